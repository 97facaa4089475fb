import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matrix } from './matrix.ts';
import { FAULTS, STAGES } from './matrix-rows.ts';

test('every fault between server and receiver is recorded as what it was, and the delivery goes on', async () => {
  const { table, breaches } = await matrix(STAGES);
  assert.deepEqual(breaches, []);
  assert.equal(table.length - 1, STAGES.length * FAULTS.length);
});
