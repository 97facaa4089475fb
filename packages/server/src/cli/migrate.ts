import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { readConfig } from '../config.ts';
import { openForReading, openForWriting } from '../store/sqlite/database.ts';
import { lockDataFolder } from '../store/sqlite/single-process-lock.ts';

/** `broxi-webhooks migrate`: needs the database for itself. @throws InvalidSettingError if a server is running on it */
export async function migrateDatabase(
  flags: Record<string, string | boolean>,
  stdout: { write(text: string): unknown } = process.stdout,
): Promise<void> {
  const { databasePath } = readConfig({ mode: 'serve', flags });
  mkdirSync(dirname(databasePath), { recursive: true });
  const unlock = lockDataFolder(databasePath);
  try {
    const before = existsSync(databasePath) ? versionOf(openForReading(databasePath)) : 0;
    const after = versionOf(openForWriting(databasePath));
    const said = before === after ? `is up to date (schema ${after})` : `went from schema ${before} to schema ${after}`;
    stdout.write(`${databasePath} ${said}.\n`);
  } finally {
    unlock();
  }
}

function versionOf(database: DatabaseSync): number {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  database.close();
  return version;
}
