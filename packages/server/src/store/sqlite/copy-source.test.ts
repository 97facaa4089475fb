import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type OpenedCopySource, openCopySource } from './copy-source.ts';
import { openForWriting } from './database.ts';

const FULL = 4_000;

describe('the source of a copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'broxi-source-'));
  const path = join(folder, 'broxi.db');
  let source: OpenedCopySource;
  let writer: DatabaseSync;
  before(() => {
    openForWriting(path).close();
    writer = new DatabaseSync(path);
    writer.exec(`
      INSERT INTO workspaces (id, name) VALUES ('ws_1', 'test');
      INSERT INTO workspace_numbers VALUES (1, 'ws_1');
      INSERT INTO lanes VALUES (1, 'ws_1', 'wh_1')`);
    source = openCopySource({ path, isAlone: false });
  });
  after(() => {
    source.close();
    writer.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    for (const table of ['events', 'deliveries', 'attempts', 'idempotency']) writer.exec(`DELETE FROM ${table}`);
  });

  const addEvents = (count: number, data = '{}') => {
    const add = writer.prepare(`
      INSERT INTO events (workspace, id, type, occurred_at, accepted_at, revision, data) VALUES (1, ?, 'a.b', 1, 1, 1, ?)`);
    writer.exec('BEGIN');
    for (let i = 1; i <= count; i += 1) add.run(`evt_${i}`, data);
    writer.exec('COMMIT');
  };
  const addDeliveries = (states: readonly string[], exchanges = '[]') => {
    addEvents(1);
    const add = writer.prepare(`
      INSERT INTO deliveries (seq, workspace, id, lane, event, origin, state, class, attempts, series_from, created_at)
      VALUES (?, 1, ?, 1, 1, 'event', ?, 0, 1, 0, 1)`);
    const attempt = writer.prepare(`
      INSERT INTO attempts (delivery, number, id, started_at, duration_ms, url, webhook_version, outcome, exchanges)
      VALUES (?, 1, 'att', 1, 1, 'https://receiver.example', 1, 'delivered', ?)`);
    for (const [i, state] of states.entries()) {
      add.run(i + 1, `del_${i + 1}`, state);
      attempt.run(i + 1, exchanges);
    }
  };

  it('reads events in pages that are not too long', () => {
    addEvents(FULL + 1);
    const first = source.readEvents(0);
    assert.deepEqual([first.rows.length, first.through, first.isLast], [FULL, FULL, false]);
    const second = source.readEvents(first.through);
    assert.deepEqual([second.rows.length, second.through, second.isLast], [1, FULL + 1, true]);
    assert.deepEqual(source.readEvents(second.through), { rows: [], through: FULL + 1, isLast: true });
  });

  it('reads events in pages that are not too large', () => {
    addEvents(10, 'x'.repeat(1_500_000));
    const { rows, isLast } = source.readEvents(0);
    assert.deepEqual([rows.length, isLast], [3, false]);
  });

  it('reads deliveries with their attempts, in pages that are not too large', () => {
    addDeliveries(['delivered', 'delivered', 'delivered', 'delivered'], 'x'.repeat(2_500_000));
    const { rows, attempts, through, isLast } = source.readDeliveries({ after: 0, attemptsOf: 'final' });
    assert.deepEqual([rows.length, attempts.length, through, isLast], [2, 2, 2, false]);
    assert.equal(source.readDeliveries({ after: 2, attemptsOf: 'final' }).rows.length, 2);
  });

  it('says which are final, and reads the attempts of those alone if it is asked to', () => {
    addDeliveries(['pending', 'delivered', 'failed', 'cancelled', 'batched', 'batched']);
    writer.exec('UPDATE deliveries SET batch = 2 WHERE seq = 5; UPDATE deliveries SET batch = 3 WHERE seq = 6');
    const { rows, attempts } = source.readDeliveries({ after: 0, attemptsOf: 'final' });
    const final = rows.filter(({ isFinal }) => isFinal).map(({ seq }) => seq);
    assert.deepEqual(final, [2, 5]);
    assert.deepEqual(
      attempts.map(({ delivery_id: id }) => id),
      ['del_2', 'del_5'],
    );
    assert.equal(source.readDeliveries({ after: 0, attemptsOf: 'all' }).attempts.length, 6);
    assert.deepEqual([rows[4]?.batch, rows[5]?.batch], ['del_2', 'del_3']);
  });

  it('looks up some that may be gone', () => {
    addDeliveries(['pending', 'delivered', 'failed']);
    const { rows, through, isLast } = source.readDeliveries({ after: 1, among: [1, 3, 9], attemptsOf: 'all' });
    assert.deepEqual([rows.map(({ seq }) => seq), through, isLast], [[3], 3, true]);
  });

  it('reads all keys of one instant together', () => {
    const add = writer.prepare("INSERT INTO idempotency VALUES ('ws_1', 'scope', ?, 'hash', '{}', ?)");
    for (let i = 0; i < FULL - 1; i += 1) add.run(`early ${i}`, 1);
    for (let i = 0; i < 10; i += 1) add.run(`late ${i}`, 2);
    const first = source.readKeys(0);
    assert.deepEqual([first.rows.length, first.through, first.isLast], [FULL + 9, 2, false]);
    assert.deepEqual(source.readKeys(first.through), { rows: [], through: 2, isLast: true });
  });
});
