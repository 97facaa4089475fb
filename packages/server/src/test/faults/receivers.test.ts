import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receivers } from './receivers.ts';

test('receivers that behave badly are judged, bounded, and cost a healthy one nothing', async () => {
  const { breaches } = await receivers({ events: 20 });
  assert.deepEqual(breaches, []);
});
