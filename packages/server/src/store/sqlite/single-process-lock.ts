import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InvalidSettingError } from '../../errors.ts';

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Holds a data folder for this process, until it ends in whatever way: the lock is the operating system's, on a file beside
 * the database, so a killed process leaves nothing behind that would have to be cleaned. Makes the folder if it is missing.
 * @returns the release; null: another process holds it
 */
export function tryLockDataFolder(databasePath: string): (() => void) | null {
  mkdirSync(dirname(databasePath), { recursive: true });
  const lock = new DatabaseSync(`${databasePath}.lock`, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
  return () => {
    if (lock.isOpen) lock.close();
  };
}

/** {@link tryLockDataFolder}. @throws InvalidSettingError if another process holds it */
export function lockDataFolder(databasePath: string): () => void {
  const unlock = tryLockDataFolder(databasePath);
  if (unlock !== null) return unlock;
  throw new InvalidSettingError(
    `BROXI_DATABASE_URL: another server is running on ${databasePath}. Stop it, or give this one another file.`,
  );
}
