import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ComparisonResult, reportComparison } from './report.ts';
import { SAMPLE_MACHINE } from './sample-machine.ts';
import { parseSettings } from './settings.ts';

const distribution = { count: 9, min: -3, p50: -1.25, p99: 4.5, max: 6 };

function comparison(): ComparisonResult {
  const round = {
    acknowledged: 100,
    refused: 1,
    socketErrors: 0,
    latencyP50Ms: 2,
    latencyP99Ms: 9,
    accepted: 101,
    arrived: 100,
    arrivedTwice: 0,
    missing: 1,
    arrivedPerSecond: 8000,
    cpuSecondsPerMillion: 95,
    databaseCpuSecondsPerMillion: 40,
    commitsPerEvent: null,
    largestBacklog: 12,
  };
  const latency = {
    afterAcknowledgement: distribution,
    endToEnd: distribution,
    acknowledgement: distribution,
    producerDelay: distribution,
    failed: 0,
    missing: 0,
  };
  const throughput = {
    rounds: [round, { ...round, arrivedPerSecond: 9000 }],
    arrivedPerSecond: 8500,
    peakMemoryBytes: 1e8,
  };
  const settings = parseSettings(['--rounds', '2']) ?? assert.fail('help was not asked for');
  const relay = { throughput, latency };
  return {
    kind: 'comparison',
    ratio: 1.0588,
    relay,
    server: { throughput, latency },
    other: null,
    settings,
    machine: SAMPLE_MACHINE,
  };
}

test('the first line has the ratio and what it is of', () => {
  assert.equal(
    reportComparison(comparison()).split('\n')[0],
    'b/a 1.06: server (b) 8,500 events/s, relay (a) 8,500 events/s; medians of 2 rounds of 10 s, 64 connections',
  );
  assert.match(reportComparison({ ...comparison(), server: null, ratio: null }), /^no ratio: only the relay/);
});

test('another checkout has a line of its own, and a column', () => {
  const { relay, ...rest } = comparison();
  const other = { commit: 'abc1234', ratio: 1.2, result: relay };
  const lines = reportComparison({ relay, ...rest, other }).split('\n');
  assert.equal(lines[1], 'b/c 1.20: server (b) by that of commit abc1234 (c) 8,500 events/s');
  assert.match(lines[3] ?? '', /relay \(a\) +server \(b\) +other \(c\)$/);
  assert.match(
    reportComparison({ relay, ...rest, other: { ...other, commit: null } }),
    /\nb\/c 1\.20: .* of another checkout \(c\)/,
  );
});

test('what went wrong is summed over the rounds, and an arrival before the answer is printed as 0', () => {
  const text = reportComparison(comparison());
  assert.match(text, /accepted and not arrived +2 +2\n/);
  assert.match(text, /lowest to highest round +8,000 to 9,000/);
  assert.match(text, /arrival after the answer p50 \/ p99, ms +0\.00 \/ 4\.50/);
});

test('a machine that was busy, and a database in memory, are warned of', () => {
  const calm = comparison();
  assert.doesNotMatch(reportComparison(calm), /WARNING/);
  const busy = { ...calm, machine: { ...calm.machine, loadBefore: 3 } };
  assert.match(reportComparison(busy), /WARNING: .*busy/);
  const inMemory = { ...calm, machine: { ...calm.machine, databaseInMemory: true } };
  assert.match(reportComparison(inMemory), /WARNING: .*in memory/);
});
