import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskFull } from './disk-full.ts';

test('on a full disk events are refused with 503, and taken again when there is room', async () => {
  const { table, breaches } = await diskFull({ ratePerSecond: 300 });
  assert.deepEqual(breaches, []);
  const [, acknowledged] = table.find(([name]) => name === 'acknowledged before it was full') ?? [];
  assert.ok(Number(acknowledged) > 20, `only ${acknowledged} were acknowledged before`);
});
