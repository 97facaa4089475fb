import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Job, progressOf } from './job.ts';

const at = (
  matched: number,
  count: number,
  { state = 'running', isMinimum = false }: Partial<Job & Job['estimate']> = {},
) => progressOf({ state, matched, estimate: { count, isMinimum, oldestAt: null, newestAt: null } });

test('progress is the share of what was counted, and 1 only when it is done', () => {
  assert.deepEqual(
    [at(0, 300), at(1, 300), at(150, 300), at(299, 300), at(300, 300), at(500, 300)],
    [0, 0, 0.5, 0.99, 0.99, 0.99],
  );
  assert.deepEqual([at(0, 0), at(0, 0, { state: 'done' }), at(7, 300, { state: 'done' })], [0, 1, 1]);
  assert.equal(at(150, 300, { state: 'cancelled' }), 0.5);
});

test('progress is unknown where the count is a lower bound', () => {
  assert.equal(at(150, 300, { isMinimum: true }), null);
  assert.equal(at(150, 300, { isMinimum: true, state: 'done' }), 1);
});
