import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Neighbour, type NeighbourCase, ratiosOf } from './neighbour.ts';
import { reportNeighbour } from './report-neighbour.ts';
import { SAMPLE_MACHINE } from './sample-machine.ts';
import { parseSettings } from './settings.ts';

/** Rounds with these p99, in milliseconds, and so many arrivals per second. */
function neighbourCase(neighbour: Neighbour, p99s: readonly number[], arrivedPerSecond: number): NeighbourCase {
  const distribution = { count: 9, min: 0, p50: 1, p99: 2, max: 3 };
  const latency = {
    afterAcknowledgement: distribution,
    acknowledgement: distribution,
    producerDelay: distribution,
    failed: 0,
    missing: 0,
  };
  const round = {
    acknowledged: 100,
    refused: 0,
    socketErrors: 0,
    latencyP50Ms: 2,
    latencyP99Ms: 9,
    accepted: 100,
    arrived: 100,
    arrivedTwice: 0,
    missing: 1,
    arrivedPerSecond,
    cpuSecondsPerMillion: 95,
    databaseCpuSecondsPerMillion: 0,
    commitsPerEvent: null,
    largestBacklog: 12,
  };
  const hungRound = { inTheAirAtStart: 64, inTheAirAtEnd: 63, started: 2, timedOut: 1, pending: 9_936 };
  const hung = neighbour === 'none' ? [] : [hungRound];
  return {
    neighbour,
    latency: { rounds: p99s.map((p99) => ({ ...latency, endToEnd: { ...distribution, p99 } })), hung },
    throughput: { rounds: [round], arrivedPerSecond, peakMemoryBytes: 1e8, hung },
  };
}

function reportOf(cases: NeighbourCase[]): string[] {
  const settings = parseSettings(['--neighbour', '--rounds', '3']) ?? assert.fail('help was not asked for');
  return reportNeighbour({
    kind: 'neighbour',
    ratios: ratiosOf(cases),
    cases,
    settings,
    machine: SAMPLE_MACHINE,
  }).split('\n');
}

test('each state of the circuit has its ratios to the healthy ones by themselves, and what became of the goals', () => {
  const alone = neighbourCase('none', [4, 90, 5], 8000);
  const lines = reportOf([alone, neighbourCase('closed', [10, 9, 11], 7600), neighbourCase('open', [4, 4, 4], 7599)]);
  assert.equal(
    lines[0],
    'b/a beside a hung webhook, circuit closed: p99 2.00 × (+ 5.00 ms; goal ≤ 1.5 × or + 5 ms: met), throughput 0.95 × (goal ≥ 0.95 ×: met)',
  );
  assert.equal(
    lines[1],
    'c/a beside a hung webhook, circuit open: p99 0.80 × (− 1.00 ms; goal ≤ 1.5 × or + 5 ms: met), throughput 0.95 × (goal ≥ 0.95 ×: NOT MET)',
  );
  const text = lines.join('\n');
  assert.match(text, /p99, lowest to highest round, ms +4\.00 to 90\.00 +9\.00 to 11\.00 +4\.00 to 4\.00\n/);
  assert.match(text, /attempts in the air at the end +none +63 to 63 +63 to 63\n/);
});

test('the p99 misses its goal only when both the factor and the difference do', () => {
  const verdictOf = (alone: number, beside: number) =>
    reportOf([neighbourCase('none', [alone], 8000), neighbourCase('closed', [beside], 8000)])[0]?.match(
      /ms: (.*?)\)/,
    )?.[1];
  assert.equal(verdictOf(20, 30), 'met');
  assert.equal(verdictOf(1, 6), 'met');
  assert.equal(verdictOf(4, 9.1), 'NOT MET');
  assert.equal(verdictOf(20, 30.1), 'NOT MET');
});
