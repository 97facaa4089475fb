import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { InvalidSettingError } from '../../errors.ts';
import { openForReading, openForWriting } from './database.ts';
import { MIGRATIONS } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'broxi-database-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = () => {
  files += 1;
  return join(folder, `${files}.db`);
};
const setting = (database: DatabaseSync, name: string) =>
  Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
const tables = (database: DatabaseSync) =>
  database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .all()
    .map(({ name }) => name);

/** Opens a file that some other program made. */
function alter(path: string, statements: string): void {
  const database = new DatabaseSync(path);
  database.exec(statements);
  database.close();
}

test('an empty file becomes a database of the current schema', () => {
  const path = newPath();
  writeFileSync(path, '');
  const database = openForWriting(path);
  assert.equal(setting(database, 'user_version'), MIGRATIONS.length);
  for (const name of ['queue', 'deliveries', 'events', 'attempts', 'webhook_versions']) {
    assert.ok(tables(database).includes(name), name);
  }
  database.close();
});

test('a database that is up to date is left as it is', () => {
  const path = newPath();
  const first = openForWriting(path);
  first.exec(`INSERT INTO workspaces (id, name) VALUES ('ws_1', 'kept')`);
  const before = tables(first);
  first.close();
  const second = openForWriting(path);
  assert.deepEqual(tables(second), before);
  assert.equal(second.prepare('SELECT name FROM workspaces').get()?.['name'], 'kept');
  second.close();
});

test('what an older version wrote is kept, and went no route', () => {
  const path = newPath();
  const [oldest = ''] = MIGRATIONS;
  alter(
    path,
    `${oldest}
    PRAGMA user_version = 1;
    INSERT INTO deliveries (workspace, id, lane, event, origin, state, class, attempts, series_from, created_at)
      VALUES (1, 'del_1', 1, 1, 'event', 'delivered', 0, 1, 0, 1);
    INSERT INTO attempts (delivery, number, id, started_at, duration_ms, url, webhook_version, outcome, exchanges)
      VALUES (1, 1, 'att_1', 1, 1, 'https://a.example/', 1, 'delivered', '[]');`,
  );
  const database = openForWriting(path);
  const found = database.prepare(
    'SELECT d.id, d.route, a.id AS attempt, a.route AS went FROM deliveries d JOIN attempts a ON a.delivery = d.seq',
  );
  assert.deepEqual({ ...found.get() }, { id: 'del_1', route: null, attempt: 'att_1', went: null });
  database.close();
});

test('commits go to a log that nobody checkpoints in passing', () => {
  const database = openForWriting(newPath());
  assert.equal(setting(database, 'journal_mode'), 'wal');
  assert.equal(setting(database, 'synchronous'), 1);
  assert.equal(setting(database, 'wal_autocheckpoint'), 0);
  database.close();
});

test('a reader sees what is committed, and cannot write', () => {
  const path = newPath();
  const writer = openForWriting(path);
  const reader = openForReading(path);
  writer.exec(`BEGIN; INSERT INTO workspaces (id, name) VALUES ('ws_1', 'a')`);
  const count = () => reader.prepare('SELECT count(*) AS count FROM workspaces').get()?.['count'];
  assert.equal(count(), 0);
  writer.exec('COMMIT');
  assert.equal(count(), 1);
  assert.throws(() => reader.exec(`INSERT INTO workspaces (id, name) VALUES ('ws_2', 'b')`), /readonly/);
  reader.close();
  writer.close();
});

test('a database of a newer version is refused in one line, and stays as it is', () => {
  const path = newPath();
  openForWriting(path).close();
  const newer = MIGRATIONS.length + 1;
  alter(path, `PRAGMA user_version = ${newer}`);
  refuses(path, new RegExp(`newer version \\(schema ${newer}; this version knows up to ${MIGRATIONS.length}\\)`));
  const database = new DatabaseSync(path);
  assert.equal(setting(database, 'user_version'), newer);
  database.close();
});

test('a file of another program is refused in one line, and stays as it is', () => {
  const text = newPath();
  writeFileSync(text, 'no database, but a text of some length\n'.repeat(200));
  const before = readFileSync(text);
  refuses(text, /did not write/);
  assert.deepEqual(readFileSync(text), before);
  const foreign = newPath();
  alter(foreign, 'CREATE TABLE notes (text)');
  refuses(foreign, /did not write/);
  const database = new DatabaseSync(foreign);
  assert.deepEqual(tables(database), ['notes']);
  database.close();
});

function refuses(path: string, message: RegExp): void {
  assert.throws(
    () => openForWriting(path),
    (error) => {
      assert.ok(error instanceof InvalidSettingError);
      assert.match(error.message, /^BROXI_DATABASE_URL /);
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'));
      return true;
    },
  );
}
