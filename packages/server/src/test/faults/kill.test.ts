import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kill } from './kill.ts';

test('what was acknowledged outlives kill -9', async () => {
  const { table, breaches } = await kill({ kills: 2, seed: 1, ratePerSecond: 300, shortestLifeMs: 200 });
  assert.deepEqual(breaches, []);
  const acknowledged = table.find(([name]) => name === 'acknowledged')?.[1];
  assert.ok(Number(acknowledged) > 50, `only ${acknowledged} were acknowledged`);
});
