import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidSettingError } from './errors.ts';

const KEY_BYTES = 32;

/** The name of the file in the data folder that a dev server keeps its API key in. */
export const DEV_API_KEY_FILE = 'dev-api-key';

/**
 * The key for secrets at rest: the setting, else a file beside the database, else a new one that is written there with mode
 * 0600. @throws InvalidSettingError if it is not the base64 of 32 bytes
 */
export function readEncryptionKey({ given, databasePath }: { given: string | null; databasePath: string }): {
  key: Uint8Array;
  /** Made just now: nothing was here before. */
  isNew: boolean;
} {
  if (given !== null) return { key: decodeKey(given, 'BROXI_ENCRYPTION_KEY'), isNew: false };
  const path = `${databasePath}.key`;
  if (existsSync(databasePath) && !existsSync(path)) {
    throw new InvalidSettingError(
      `BROXI_ENCRYPTION_KEY is not set and ${path} is missing, so the secrets in ${databasePath} cannot be read.`,
    );
  }
  const generated = randomBytes(KEY_BYTES).toString('base64');
  const { text, isNew } = readOrCreate(path, generated);
  return { key: decodeKey(text, `The encryption key in ${path}`), isNew };
}

/** The API key of a dev server: kept in a file of mode 0600 in the data folder, so that it is the same at every start. */
export function keepDevApiKey(databasePath: string, generate: () => string): string {
  return readOrCreate(join(dirname(databasePath), DEV_API_KEY_FILE), generate()).text;
}

function readOrCreate(path: string, text: string): { text: string; isNew: boolean } {
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true });
    return { text, isNew: true };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return { text: readFileSync(path, 'utf8').trim(), isNew: false };
  }
}

function decodeKey(text: string, name: string): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.length !== KEY_BYTES) throw new InvalidSettingError(`${name} must be the base64 of 32 bytes.`);
  return key;
}
