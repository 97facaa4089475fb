import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseAfterStep } from './step-pause.ts';

test('the rest is nine times the step, within its bounds', () => {
  assert.deepEqual([0, 1, 10, 100, 10_000].map(pauseAfterStep), [20, 20, 90, 900, 5_000]);
});
