import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copy } from './copy.ts';

test('a move to PostgreSQL loses and doubles nothing, whenever the copy is killed', async () => {
  const { table, breaches } = await copy({ kills: 4, seed: 3, ratePerSecond: 200 });
  assert.deepEqual(breaches, []);
  const [, ...acknowledged] = table.find(([name]) => name === 'acknowledged') ?? [];
  for (const count of acknowledged) assert.ok(Number(count) > 100, `only ${count} were acknowledged`);
});
