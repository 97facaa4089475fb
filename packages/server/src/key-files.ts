import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidSettingError } from './errors.ts';

const KEY_BYTES = 32;

/** The name of the file in the data folder that a dev server keeps its API key in. */
export const DEV_API_KEY_FILE = 'dev-api-key';

/**
 * The key for secrets at rest: the setting, else a file beside the database, else a new one that is written there with mode
 * 0600. A database without a file needs the setting: several servers share it.
 * @throws InvalidSettingError if it is missing, or is not the base64 of 32 bytes
 */
export function readEncryptionKey({
  given,
  databasePath,
}: {
  given: string | null;
  databasePath: string | null;
}): Uint8Array {
  if (given !== null) return decodeKey(given, 'BROXI_ENCRYPTION_KEY');
  if (databasePath === null) {
    throw new InvalidSettingError(
      'BROXI_ENCRYPTION_KEY is not set: a PostgreSQL database needs it, for every server the same, such as `openssl rand -base64 32` makes.',
    );
  }
  const path = keyFileOf(databasePath);
  if (existsSync(databasePath) && !existsSync(path)) {
    throw new InvalidSettingError(
      `BROXI_ENCRYPTION_KEY is not set and ${path} is missing, so the secrets in ${databasePath} cannot be read.`,
    );
  }
  const generated = randomBytes(KEY_BYTES).toString('base64');
  return decodeKey(readOrCreate(path, generated), `The encryption key in ${path}`);
}

/** Where the key for secrets at rest lies, unless it is a setting. */
export function keyFileOf(databasePath: string): string {
  return `${databasePath}.key`;
}

/** The API key of a dev server: kept in a file of mode 0600 in the data folder, so that it is the same at every start. */
export function keepDevApiKey(databasePath: string, generate: () => string): string {
  return readOrCreate(join(dirname(databasePath), DEV_API_KEY_FILE), generate());
}

function readOrCreate(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true });
    return text;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return readFileSync(path, 'utf8').trim();
  }
}

function decodeKey(text: string, name: string): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.length !== KEY_BYTES) throw new InvalidSettingError(`${name} must be the base64 of 32 bytes.`);
  return key;
}
