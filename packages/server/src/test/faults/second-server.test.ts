import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secondServer } from './second-server.ts';

test('a second server on a data folder is refused in one line, and the first one goes on', async () => {
  const { table, breaches } = await secondServer({ ratePerSecond: 300 });
  assert.deepEqual(breaches, []);
  const [, said] = table.find(([name]) => name === 'what it said') ?? [];
  assert.match(String(said), /another server is running on .*Stop it, or give this one another file\.$/);
});
