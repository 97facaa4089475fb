import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { MIGRATIONS as POSTGRES_MIGRATIONS } from '../store/postgres/schema.ts';
import { MIGRATIONS } from '../store/sqlite/schema.ts';
import { lockDataFolder } from '../store/sqlite/single-process-lock.ts';
import { ThrowawayPostgres } from '../test/postgres/throwaway-postgres.ts';
import { migrateDatabase } from './migrate.ts';

const folder = mkdtempSync(join(tmpdir(), 'broxi-migrate-'));
after(() => rmSync(folder, { recursive: true }));

async function migrate(path: string): Promise<string> {
  let said = '';
  await migrateDatabase({ databaseUrl: `sqlite:${path}` }, { write: (text) => (said += text) });
  return said;
}

test('makes a new database, and says from which schema to which', async () => {
  const path = join(folder, 'new', 'broxi.db');
  assert.equal(await migrate(path), `${path} went from schema 0 to schema ${MIGRATIONS.length}.\n`);
  const database = new DatabaseSync(path, { readOnly: true });
  assert.equal(database.prepare('PRAGMA user_version').get()?.user_version, MIGRATIONS.length);
  database.close();
  assert.equal(await migrate(path), `${path} is up to date (schema ${MIGRATIONS.length}).\n`);
});

test('brings a PostgreSQL database up to date', async () => {
  const postgres = await ThrowawayPostgres.start();
  try {
    const databaseUrl = await postgres.createDatabase();
    let said = '';
    const migrating = () => migrateDatabase({ databaseUrl }, { write: (text) => (said += text) });
    await migrating();
    await migrating();
    const schema = POSTGRES_MIGRATIONS.length;
    const [went, stayed] = [`went from schema 0 to schema ${schema}`, `is up to date (schema ${schema})`];
    assert.equal(said, `The database ${went}.\nThe database ${stayed}.\n`);
    await postgres.halt();
    await assert.rejects(
      migrating(),
      /^StoreUnavailableError: The database is not there: connect ECONNREFUSED 127.0.0.1/,
    );
  } finally {
    await postgres.stop();
  }
});

test('refuses a database that a server is running on, and one of a newer version', async () => {
  const path = join(folder, 'busy.db');
  await migrate(path);
  const unlock = lockDataFolder(path);
  await assert.rejects(migrate(path), /another server is running on/);
  unlock();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 9999');
  database.close();
  await assert.rejects(migrate(path), /newer version \(schema 9999/);
});
