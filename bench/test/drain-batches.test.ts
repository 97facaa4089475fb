import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DrainBatchesResult } from '../src/drain-batches.ts';
import { runBench, skip } from './run-bench.ts';

test('drains in batches beside singly, and counts what is in a batch', { skip }, async (t) => {
  const flags = '--drain-batches --rounds 2 --batch-events 1200 --batch-size 20 --batch-webhooks 3'.split(' ');
  const { code, stdout, stderr, result } = await runBench(t, flags);
  assert.equal(code, 0, stderr);
  const { single, batched, ratio } = result as DrainBatchesResult;
  const counts = [...single, ...batched].map((one) => [one.requests, one.arrived, one.arrivedTwice, one.settled]);
  assert.deepEqual(counts, [
    [1200, 1200, 0, 1200],
    [1200, 1200, 0, 1200],
    [60, 1200, 0, 1200],
    [60, 1200, 0, 1200],
  ]);
  assert.ok(ratio > 0);
  assert.match(stdout, /^b\/a .*: in batches of 20 \(b\)/);
});

test('a member of a batch that never arrives is missed', { skip }, async (t) => {
  const flags = '--drain-batches --rounds 1 --batch-events 400 --batch-size 20 --batch-webhooks 1'.split(' ');
  const { code, stderr, result } = await runBench(t, flags, { env: { STAND_IN_LOSES: '3' } });
  assert.equal(code, 1);
  const { single, batched } = result as DrainBatchesResult;
  assert.deepEqual([single[0]?.missing, batched[0]?.missing], [3, 3]);
  assert.match(stderr, /6 accepted events never arrived/);
});
