import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresFaults } from './postgres-faults.ts';

test('servers outlive whatever PostgreSQL does, and lose nothing', async () => {
  const { breaches } = await postgresFaults({ processes: 2, seed: 3, ratePerSecond: 30, isShort: true });
  assert.deepEqual(breaches, []);
});
