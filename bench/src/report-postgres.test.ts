import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PostgresResult } from './postgres.ts';
import { headOf } from './postgres-cost.ts';
import { reportPendingReads } from './report-pending-read.ts';
import { reportPostgres } from './report-postgres.ts';
import { reportPostgresCost } from './report-postgres-cost.ts';
import { SAMPLE_MACHINE } from './sample-machine.ts';
import { parseSettings } from './settings.ts';

const distribution = { count: 9, min: -3, p50: 2, p99: 4.5, max: 6 };
const machine = SAMPLE_MACHINE;

function compared(flags: string[]): PostgresResult {
  const settings = parseSettings(['--postgres', '--skip-latency', ...flags]) ?? assert.fail('help was not asked for');
  const round = {
    ...{
      acknowledged: 100,
      refused: 1,
      socketErrors: 0,
      latencyP50Ms: 2,
      latencyP99Ms: 9,
      accepted: 101,
      arrived: 100,
    },
    ...{
      arrivedTwice: 0,
      missing: 1,
      arrivedPerSecond: 800,
      cpuSecondsPerMillion: 95,
      databaseCpuSecondsPerMillion: 40,
      largestBacklog: 12,
    },
    commitsPerEvent: 0.03,
  };
  const throughput = { rounds: [round, round], arrivedPerSecond: 800, peakMemoryBytes: 1e8 };
  const one = { throughput, latency: null };
  return {
    kind: 'postgres',
    ratio: 0.5,
    severalRatio: null,
    sqlite: one,
    postgres: one,
    several: null,
    settings,
    machine,
  };
}

test('a comparison of stores begins with its ratio', () => {
  const lines = reportPostgres(compared([])).split('\n');
  assert.match(
    lines[0] ?? '',
    /^b\/a 0\.50: a server on PostgreSQL \(b\) 800 events\/s, on SQLite \(a\) 800 events\/s; /,
  );
  assert.match(lines[2] ?? '', /^ +SQLite \(a\) +PostgreSQL \(b\)$/);
  assert.ok(lines.some((line) => /^accepted and not arrived +2 +2$/.test(line)));
});

test('several servers have a line and a column of their own', () => {
  const { postgres, ...rest } = compared(['--servers', '2']);
  const lines = reportPostgres({ ...rest, postgres, several: postgres, severalRatio: 1.8 }).split('\n');
  assert.equal(lines[1], 'c/b 1.80: 2 servers on PostgreSQL (c) 800 events/s');
  assert.match(lines[3] ?? '', /2 servers \(c\)$/);
});

test('statements are known by what they do to which table', () => {
  assert.equal(headOf('WITH added AS (\n  INSERT INTO broxi.events (a) SELECT 1)'), 'WITH added … broxi.events');
  assert.equal(headOf('INSERT INTO broxi.wakes (shard) SELECT 1'), 'INSERT INTO … broxi.wakes');
  assert.equal(headOf('COMMIT'), 'COMMIT');
});

test('the room of the queue is told apart from history', () => {
  const growth = [
    { name: 'broxi.events', rowBytesPerEvent: 900, indexBytesPerEvent: 300 },
    { name: 'broxi.queue', rowBytesPerEvent: 100, indexBytesPerEvent: 0 },
  ];
  const numbers = {
    statementsPerEvent: 0.165,
    commitsPerEvent: 0.03,
    walBytesPerEvent: 3618,
    fullPagesPerEvent: 0.002,
  };
  const cost = { fanOut: 1, kind: 'load', events: 1000, perSecond: 1734, syncsPerEvent: 0.03, ...numbers } as const;
  const settings = parseSettings(['--postgres-cost']) ?? assert.fail('help was not asked for');
  const text = reportPostgresCost({
    ...{ kind: 'postgres-cost', version: '15.18', idleStatementsPerSecond: 1.3, connections: 8, settings, machine },
    costs: [{ ...cost, growth, statements: [] }],
  });
  assert.match(
    text,
    /^3,618 bytes of WAL and 0\.165 statements an event, recorded and delivered once, at 1,734 events\/s/,
  );
  assert.match(text, /\n {2}events +900 \+ 300\n {2}all +1,200\n/);
  assert.match(text, /\nthe empty queue and its indexes, kB +100\n/);
});

test('a goal that is missed is said', () => {
  const settings = parseSettings(['--pending-read']) ?? assert.fail('help was not asked for');
  const times = { next: distribution, fromTheStart: distribution, sweep: distribution };
  const one = { name: 'few', pending: 10, lanes: 1, dead: 0, pages: 1032, ...times };
  const ratios = [
    { name: 'many', ratio: 1.5 },
    { name: 'gone', ratio: 1.51 },
  ];
  const text = reportPendingReads({ kind: 'pending-read', ratios, cases: [one], settings, machine });
  assert.match(text, /^many \/ few 1\.50: .*: met\)\ngone \/ few 1\.51: .*: NOT MET\)\n/);
});
