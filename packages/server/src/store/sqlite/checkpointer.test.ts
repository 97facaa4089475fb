import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { mock, type TestContext, test } from 'node:test';
import { createFakeClock } from '../../test/fake-clock.ts';
import { Checkpointer } from './checkpointer.ts';
import { openForReading, openForWriting } from './database.ts';

const MIB = 1024 * 1024;

/** A database that is written to, and a checkpointer beside it that is not started. */
function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'broxi-checkpoint-'));
  const path = join(folder, 'broxi.db');
  const writer = openForWriting(path);
  writer.exec('PRAGMA synchronous = OFF');
  const reader = openForReading(path);
  const clock = createFakeClock();
  const errors: unknown[] = [];
  const checkpointer = new Checkpointer({ path, clock, onError: (error) => errors.push(error) });
  const put = writer.prepare('INSERT OR REPLACE INTO workspaces (id, name) VALUES (?, ?)');
  t.after(() => {
    checkpointer.stop();
    reader.close();
    writer.close();
    rmSync(folder, { recursive: true });
  });
  return {
    path,
    writer,
    reader,
    clock,
    errors,
    checkpointer,
    /** Writes about so many bytes to the log, again and again to the same rows. */
    write(mebibytes: number, name = 'x') {
      for (let i = 0; i < mebibytes; i += 1) put.run(`ws_${i % 4}`, name.repeat(MIB / name.length));
    },
    logBytes: () => statSync(`${path}-wal`).size,
    /** Pages that lie in the log alone. */
    outstanding() {
      const { log, checkpointed } = writer.prepare('PRAGMA wal_checkpoint(NOOP)').get() ?? {};
      return Number(log) - Number(checkpointed);
    },
    nameIn: (database: DatabaseSync) =>
      String(database.prepare(`SELECT name FROM workspaces WHERE id = 'ws_0'`).get()?.['name']),
  };
}

test('moves what is in the log into the database, once it is worth it', async (t) => {
  const { checkpointer, write, outstanding, clock, errors, nameIn, reader } = open(t);
  checkpointer.start();
  write(4);
  await clock.advance(5_000);
  assert.ok(outstanding() > 0, 'what is little stays in the log');
  write(8, 'ab');
  const before = outstanding();
  await clock.advance(999);
  assert.equal(outstanding(), before);
  await clock.advance(1);
  assert.equal(outstanding(), 0);
  assert.ok(nameIn(reader).startsWith('abab'));
  write(12, 'cd');
  await clock.advance(1_000);
  assert.equal(outstanding(), 0, 'again');
  assert.deepEqual(errors, []);
});

test('begins the log anew when it has grown large, and keeps the file and the data', async (t) => {
  const { checkpointer, write, logBytes, clock, nameIn, writer, reader, path, errors } = open(t);
  checkpointer.start();
  write(70, 'ef');
  const length = logBytes();
  assert.ok(length > 64 * MIB);
  await clock.advance(1_000);
  for (const database of [writer, reader]) assert.ok(nameIn(database).startsWith('efef'));
  write(30, 'gh');
  assert.equal(logBytes(), length, 'written over what was there');
  assert.ok(nameIn(reader).startsWith('ghgh'), 'written to the new log');
  const alone = new DatabaseSync(path);
  assert.equal(alone.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  alone.close();
  assert.deepEqual(errors, []);
});

test('gives the room of a log back that has grown beyond all measure', async (t) => {
  const { checkpointer, write, logBytes, clock, nameIn, reader, errors } = open(t);
  checkpointer.start();
  write(270, 'ef');
  assert.ok(logBytes() > 256 * MIB);
  await clock.advance(1_000);
  assert.equal(logBytes(), 0);
  assert.ok(nameIn(reader).startsWith('efef'));
  assert.deepEqual(errors, []);
});

test('leaves a reader its snapshot, and goes on when that is over', async (t) => {
  const { checkpointer, write, outstanding, clock, nameIn, reader, errors } = open(t);
  checkpointer.start();
  write(1, 'old ');
  reader.exec('BEGIN');
  assert.ok(nameIn(reader).startsWith('old '));
  write(20, 'new ');
  await clock.advance(3_000);
  assert.ok(outstanding() > 0, 'what the reader does not see yet stays in the log');
  assert.ok(nameIn(reader).startsWith('old '));
  reader.exec('COMMIT');
  assert.ok(nameIn(reader).startsWith('new '));
  await clock.advance(1_000);
  assert.equal(outstanding(), 0);
  assert.deepEqual(errors, []);
});

test('reports what fails, and tries again', async (t) => {
  const { checkpointer, write, outstanding, clock, errors } = open(t);
  checkpointer.start();
  write(12);
  const prepare = mock.method(DatabaseSync.prototype, 'prepare', () => {
    throw new Error('disk I/O error');
  });
  try {
    await clock.advance(2_000);
  } finally {
    prepare.mock.restore();
  }
  assert.deepEqual(
    errors.map((error) => error instanceof Error && error.message),
    ['disk I/O error', 'disk I/O error'],
  );
  assert.ok(outstanding() > 0);
  await clock.advance(1_000);
  assert.equal(outstanding(), 0);
});

test('starts once, and stops at any time', async (t) => {
  const { checkpointer, write, outstanding, clock } = open(t);
  checkpointer.stop();
  checkpointer.start();
  checkpointer.start();
  assert.equal(clock.timers, 1);
  checkpointer.stop();
  checkpointer.stop();
  assert.equal(clock.timers, 0);
  write(12);
  await clock.advance(10_000);
  assert.ok(outstanding() > 0);
  checkpointer.start();
  await clock.advance(1_000);
  assert.equal(outstanding(), 0);
});
