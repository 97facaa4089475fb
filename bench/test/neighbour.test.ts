import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NeighbourResult } from '../src/neighbour.ts';
import { realServer, runBench, skip } from './run-bench.ts';

test('a hung webhook hangs for the whole of each round, in both states of its circuit', { skip }, async (t) => {
  // The real server: the stand-in has no circuits.
  const flags = '--neighbour --rounds 1 --seconds 1 --warm-up 1 --latency-seconds 1 --latency-rate 100'.split(' ');
  const sizes = '--connections 8 --healthy-webhooks 5 --hung-backlog 1000 --hung-slots 12'.split(' ');
  const { code, stdout, stderr, result } = await runBench(t, [...flags, ...sizes], { entry: realServer });
  assert.equal(code, 0, stderr);
  const { cases, ratios } = result as NeighbourResult;
  const [alone, closed, open] = cases;
  for (const one of cases) {
    assert.equal(one.latency.rounds[0]?.endToEnd.count, 100);
    assert.ok((one.throughput.rounds[0]?.arrived ?? 0) > 50);
  }
  assert.deepEqual([alone?.latency.hung, alone?.throughput.hung], [[], []]);
  const full = { inTheAirAtStart: 12, inTheAirAtEnd: 12, started: 0, timedOut: 0, pending: 1000 };
  assert.deepEqual([closed?.latency.hung, closed?.throughput.hung], [[full], [full]]);
  for (const hung of [...(open?.latency.hung ?? []), ...(open?.throughput.hung ?? [])]) {
    assert.deepEqual([hung.inTheAirAtStart, hung.pending], [1, 1000]);
  }
  assert.deepEqual(
    ratios.map(({ circuit }) => circuit),
    ['closed', 'open'],
  );
  assert.match(
    stdout,
    /^b\/a beside a hung webhook, circuit closed: p99 .*\nc\/a beside a hung webhook, circuit open: p99 /,
  );
});
