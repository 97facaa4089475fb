import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { readConfig } from '../config.ts';
import { StoreUnavailableError } from '../errors.ts';
import { openForReading, openForWriting } from '../store/sqlite/database.ts';
import { lockDataFolder } from '../store/sqlite/single-process-lock.ts';

/** `broxi-webhooks migrate`: needs a SQLite file for itself. @throws InvalidSettingError if a server is running on it */
export async function migrateDatabase(
  flags: Record<string, string | boolean>,
  stdout: { write(text: string): unknown } = process.stdout,
): Promise<void> {
  const { databaseUrl, databasePath } = readConfig({ mode: 'serve', flags });
  const { before, after } = databasePath === null ? await migratePostgres(databaseUrl) : migrateFile(databasePath);
  const said = before === after ? `is up to date (schema ${after})` : `went from schema ${before} to schema ${after}`;
  stdout.write(`${databasePath ?? 'The database'} ${said}.\n`);
}

async function migratePostgres(url: string): Promise<{ before: number; after: number }> {
  const [{ migrateDatabase }, { reasonOf }] = await Promise.all([
    import('../store/postgres/migrate.ts'),
    import('../store/postgres/errors.ts'),
  ]);
  try {
    return await migrateDatabase(url);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new StoreUnavailableError(`The database is not there: ${reasonOf(error)}. Nothing was changed.`, error);
  }
}

function migrateFile(path: string): { before: number; after: number } {
  mkdirSync(dirname(path), { recursive: true });
  const unlock = lockDataFolder(path);
  try {
    const before = existsSync(path) ? versionOf(openForReading(path)) : 0;
    return { before, after: versionOf(openForWriting(path)) };
  } finally {
    unlock();
  }
}

function versionOf(database: DatabaseSync): number {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  database.close();
  return version;
}
