import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killPostgres } from './kill-postgres.ts';

test('what was acknowledged outlives kill -9 of servers that share PostgreSQL, and of PostgreSQL itself', async () => {
  const load = { kills: 3, seed: 7, ratePerSecond: 200, processes: 2, shortestLifeMs: 200 };
  const { table, breaches } = await killPostgres({ ...load, crashesOneIn: 2 });
  assert.deepEqual(breaches, []);
  const acknowledged = table.find(([name]) => name === 'acknowledged')?.[1];
  assert.ok(Number(acknowledged) > 50, `only ${acknowledged} were acknowledged`);
});
