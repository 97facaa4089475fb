import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresIdle } from './postgres-idle.ts';

test('a server at rest asks PostgreSQL for two statements a second at most', async () => {
  const { breaches } = await postgresIdle({ processes: 2, seconds: 10 });
  assert.deepEqual(breaches, []);
});
