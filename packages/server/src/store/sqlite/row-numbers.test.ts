import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { RowNumbers } from './row-numbers.ts';
import { MIGRATIONS } from './schema.ts';

const A = { workspaceId: 'ws_1', webhookId: 'wh_a' };
const B = { workspaceId: 'ws_1', webhookId: 'wh_b' };
const ELSEWHERE = { workspaceId: 'ws_2', webhookId: 'wh_a' };

function open() {
  const database = new DatabaseSync(':memory:');
  for (const statements of MIGRATIONS) database.exec(statements);
  return database;
}

test('gives each lane and each workspace a number of its own, and the same one ever after', () => {
  const database = open();
  const numbers = new RowNumbers(database);
  const given = [A, B, ELSEWHERE].map((lane) => numbers.ofLane(lane));
  assert.equal(new Set(given).size, 3);
  const workspaces = ['ws_1', 'ws_2'].map((id) => numbers.ofWorkspace(id));
  assert.equal(new Set(workspaces).size, 2);
  for (const again of [numbers, new RowNumbers(database)]) {
    assert.deepEqual(
      [A, B, ELSEWHERE].map((lane) => again.ofLane({ ...lane })),
      given,
    );
    assert.deepEqual(
      [A, B, ELSEWHERE].map((lane) => again.findLane({ ...lane })),
      given,
    );
    assert.deepEqual(
      ['ws_1', 'ws_2'].map((id) => again.ofWorkspace(id)),
      workspaces,
    );
  }
});

test('finds a number without giving one', () => {
  const database = open();
  const numbers = new RowNumbers(database);
  assert.equal(numbers.findLane(A), null);
  assert.equal(database.prepare('SELECT count(*) AS count FROM lanes').get()?.['count'], 0);
  const given = numbers.ofLane(A);
  assert.equal(numbers.findLane(A), given);
});

test('forgets numbers that were given in a transaction that was undone', () => {
  const database = open();
  const numbers = new RowNumbers(database);
  database.exec('BEGIN');
  numbers.ofLane(A);
  numbers.ofWorkspace('ws_1');
  database.exec('ROLLBACK');
  numbers.forget();
  assert.equal(numbers.findLane(A), null);
  assert.notEqual(numbers.ofLane(B), numbers.ofLane(A));
  assert.notEqual(numbers.ofWorkspace('ws_2'), numbers.ofWorkspace('ws_1'));
});
