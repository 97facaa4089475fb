import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchDrain } from './drain-batches.ts';
import { reportDrainBatches } from './report-drain-batches.ts';
import { SAMPLE_MACHINE } from './sample-machine.ts';
import { parseSettings } from './settings.ts';

function drain(drainedPerSecond: number, requests: number): BatchDrain {
  return {
    fillSeconds: 10,
    requests,
    arrived: 100_000,
    missing: 0,
    arrivedTwice: 0,
    settled: 100_000,
    drainedPerSecond,
    cpuSecondsPerMillion: 100,
    peakMemoryBytes: 1e8,
  };
}

test('the first line has the ratio and what became of the goal; how full the batches were is shown', () => {
  const settings = parseSettings(['--drain-batches', '--rounds', '2']) ?? assert.fail('help was not asked for');
  const single = [drain(4_000, 100_000), drain(6_000, 100_000)];
  const report = (ratio: number) =>
    reportDrainBatches({
      kind: 'drain-batches',
      ratio,
      single,
      batched: [drain(ratio * 5_000, 1_000), drain(ratio * 5_000, 3_000)],
      settings,
      machine: SAMPLE_MACHINE,
    });
  assert.equal(
    report(5).split('\n')[0],
    'b/a 5.00 (goal ≥ 5: met): in batches of 100 (b) 25,000 events/s, singly (a) 5,000 events/s; medians of 2 drains',
  );
  assert.match(report(4.9), /^b\/a 4\.90 \(goal ≥ 5: NOT MET\)/);
  assert.match(report(5), /events of a request, mean +1\.0 +50\.0\n/);
  assert.match(report(5), /lowest to highest +4,000 to 6,000 +25,000 to 25,000\n/);
});
