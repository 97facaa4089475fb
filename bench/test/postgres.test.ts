import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PendingReadResult } from '../src/pending-read.ts';
import type { PostgresResult } from '../src/postgres.ts';
import type { PostgresCost, PostgresCostResult } from '../src/postgres-cost.ts';
import { realServer, runBench, skip } from './run-bench.ts';

test('compares SQLite, PostgreSQL, and two servers on it', { skip }, async (t) => {
  const flags = '--postgres --servers 2 --rounds 1 --seconds 1 --warm-up 1 --connections 8 --skip-latency'.split(' ');
  const { code, stdout, stderr, result } = await runBench(t, flags, { entry: realServer });
  assert.equal(code, 0, stderr);
  const { ratio, severalRatio, sqlite, postgres, several } = result as PostgresResult;
  const rates = [sqlite, postgres, several].map((one) => one?.throughput.arrivedPerSecond ?? 0);
  assert.equal(ratio, (rates[1] ?? 0) / (rates[0] ?? 0));
  assert.equal(severalRatio, (rates[2] ?? 0) / (rates[1] ?? 0));
  for (const one of [sqlite, postgres, several]) {
    const round = one?.throughput.rounds[0] ?? assert.fail('a round of each');
    // What each of two servers says of itself is added up.
    assert.equal(round.arrived, round.accepted);
    assert.ok(round.accepted >= round.acknowledged && round.acknowledged > 10);
    assert.equal(round.refused + round.socketErrors + round.missing + round.arrivedTwice, 0);
    assert.equal(round.databaseCpuSecondsPerMillion > 0, one !== sqlite);
    assert.ok(round.cpuSecondsPerMillion > round.databaseCpuSecondsPerMillion && (round.commitsPerEvent ?? 0) > 0);
  }
  assert.match(stdout, /^b\/a \d\.\d\d: a server on PostgreSQL.*\nc\/b \d\.\d\d: 2 servers on PostgreSQL/m);
});

test('counts what an event costs PostgreSQL', { skip }, async (t) => {
  const flags = '--postgres-cost --seconds 1 --warm-up 1 --connections 8 --latency-rate 50 --latency-seconds 1';
  const { code, stderr, result } = await runBench(t, flags.split(' '), { entry: realServer });
  assert.equal(code, 0, stderr);
  const { costs, connections, idleStatementsPerSecond } = result as PostgresCostResult;
  const [one, steady, four] = costs;
  assert.deepEqual(
    costs.map(({ fanOut, kind }) => [fanOut, kind]),
    [
      [1, 'load'],
      [1, 'steady'],
      [4, 'load'],
    ],
  );
  assert.equal(steady?.events, 100, 'a second of it warms up');
  for (const { events, statements, growth, walBytesPerEvent } of costs) {
    assert.ok(events > 10);
    assert.ok(walBytesPerEvent > 1_000);
    for (const table of ['events', 'queue']) {
      assert.ok(
        statements.some(({ text, walBytesPerEvent: bytes }) => text.endsWith(` broxi.${table}`) && bytes > 500),
        table,
      );
    }
    const ofEvents = growth.find(({ name }) => name === 'broxi.events');
    assert.ok((ofEvents?.rowBytesPerEvent ?? 0) > 300 && (ofEvents?.indexBytesPerEvent ?? 0) > 0);
  }
  // Four settlements cost more than one. By their own statement: where few events are, all else that happens weighs much.
  const settling = (cost: PostgresCost | undefined) =>
    cost?.statements.find(({ text }) => text.endsWith(' broxi.queue'))?.walBytesPerEvent ?? 0;
  assert.ok(settling(four) > 1.5 * settling(one), `${settling(four)} and ${settling(one)} bytes of log`);
  assert.ok(idleStatementsPerSecond > 0 && idleStatementsPerSecond < 5);
  assert.ok(connections > 0 && connections <= 13);
});

test('times reads of what is pending', { skip }, async (t) => {
  const flags = '--pending-read --pending 100000 --pending-lanes 1000 --rounds 1'.split(' ');
  const { code, stdout, stderr, result } = await runBench(t, flags);
  assert.equal(code, 0, stderr);
  const { cases, ratios } = result as PendingReadResult;
  assert.deepEqual(
    cases.map(({ pending, dead, next }) => [pending, dead, next.count]),
    [
      [10_000, 0, 39],
      [100_000, 0, 39],
      [100_000, 0, 39],
      [20_000, 80_000, 39],
    ],
  );
  const [few, , , gone] = cases;
  assert.equal(ratios[2]?.ratio, (gone?.next.p50 ?? 0) / (few?.next.p50 ?? 0));
  // However much is pending or dead, no more pages are looked at, give or take what an index is deeper.
  const pages = cases.map((one) => one.pages);
  assert.ok(Math.min(...pages) > 256 && Math.max(...pages) - (pages[0] ?? 0) < 16, pages.join());
  // Dead rows that a snapshot keeps are met from the start, and only there.
  assert.ok((gone?.fromTheStart.p50 ?? 0) > 2 * (gone?.next.p50 ?? 0));
  assert.match(stdout, /^many \/ few \d+\.\d\d: the next 256 deliveries, medians \(goal ≤ 1\.5: (NOT MET|met)\)$/m);
});
