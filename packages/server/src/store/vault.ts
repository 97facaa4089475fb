import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { InvalidSettingError } from '../errors.ts';

/** Encrypts what must not lie readable in a database: secrets and the values of a webhook's own headers. */
export interface Vault {
  seal(text: string): string;
  /** @throws InvalidSettingError if the text was sealed with another key */
  open(sealed: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM with a random nonce. Sealed text is `v1.` and the base64 of nonce, tag and cipher text. @param key 32 bytes */
export function createVault(key: Uint8Array): Vault {
  return {
    seal(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64')}`;
    },
    open(sealed) {
      const bytes = Buffer.from(sealed.slice(3), 'base64');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
          'utf8',
        );
      } catch (cause) {
        throw new InvalidSettingError(
          `BROXI_ENCRYPTION_KEY is not the key that this database was written with (${cause instanceof Error ? cause.message : cause}).`,
        );
      }
    },
  };
}
