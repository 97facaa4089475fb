import assert from 'node:assert/strict';
import { test } from 'node:test';
import { input } from './input.ts';

test('requests as nobody should send them are answered 4xx, with the place, and the server goes on', async () => {
  const { breaches } = await input({ seed: 7, bodies: 300 });
  assert.deepEqual(breaches, []);
});
