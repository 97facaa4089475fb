import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { ComparisonResult, DrainResult } from '../src/report.ts';
import { main, runBench, skip, standIn } from './run-bench.ts';

test('compares relay and server', { skip }, async (t) => {
  const flags = '--rounds 1 --seconds 1 --warm-up 1 --connections 8 --latency-rate 100 --latency-seconds 1'.split(' ');
  const { code, stdout, stderr, result } = await runBench(t, flags);
  assert.equal(code, 0, stderr);
  const { ratio, relay, server } = result as ComparisonResult;
  assert.ok(ratio !== null && ratio > 0);
  assert.match(stdout, new RegExp(`^b/a ${ratio.toFixed(2).replace('.', '\\.')}: server \\(b\\)`));
  assert.equal(ratio, (server?.throughput.arrivedPerSecond ?? 0) / relay.throughput.arrivedPerSecond);
  for (const system of [relay, server]) {
    const round = system?.throughput.rounds[0] ?? assert.fail('a round of each');
    assert.ok(round.acknowledged > 50);
    assert.ok(round.accepted >= round.acknowledged && round.accepted <= round.acknowledged + 8);
    assert.equal(round.arrived, round.accepted);
    assert.equal(round.refused + round.socketErrors + round.missing + round.arrivedTwice, 0);
    assert.ok(round.cpuSecondsPerMillion > 0);
    assert.equal(system?.latency?.afterAcknowledgement.count, 100);
    assert.equal(system?.latency?.missing, 0);
  }
  assert.equal(relay.throughput.rounds[0]?.commitsPerEvent, null);
  // The stand-in counts one commit per request.
  assert.ok(Math.abs((server?.throughput.rounds[0]?.commitsPerEvent ?? 0) - 1) < 0.1);
  // The relay answers when the receiver has: its events arrive before the producer knows that they were taken.
  assert.ok((relay.latency?.afterAcknowledgement.p50 ?? 0) < 0);
});

test('another checkout takes part in turn', { skip }, async (t) => {
  const checkout = await mkdtemp(join(tmpdir(), 'broxi-checkout-'));
  t.after(() => rm(checkout, { recursive: true }));
  const folder = join(checkout, 'packages/server/src/cli');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'main.ts'), `import '${pathToFileURL(standIn)}';\n`);
  const flags = '--rounds 2 --seconds 1 --warm-up 1 --connections 8 --skip-latency'.split(' ');
  const { code, stdout, stderr, result } = await runBench(t, [...flags, '--against', checkout]);
  assert.equal(code, 0, stderr);
  const { server, other } = result as ComparisonResult;
  const rates = [server, other?.result].map((system) => system?.throughput.arrivedPerSecond ?? 0);
  assert.equal(other?.ratio, (rates[0] ?? 0) / (rates[1] ?? 0));
  assert.equal(other?.commit, null);
  assert.match(
    stdout,
    new RegExp(`\nb/c ${other?.ratio.toFixed(2).replace('.', '\\.')}: server \\(b\\) by that of another`),
  );
  const turns = [...stderr.matchAll(/^(\w+): \d+ events\/s arrived/gm)].map(([, name]) => name);
  assert.deepEqual(turns, ['relay', 'server', 'other', 'other', 'server', 'relay']);
});

test('fills a queue, and drains it', { skip }, async (t) => {
  const flags = ['--drain', '--drain-sizes', '2000,500', '--drain-webhooks', '20'];
  const { code, stdout, stderr, result } = await runBench(t, flags);
  assert.equal(code, 0, stderr);
  const { cases, ratio } = result as DrainResult;
  assert.deepEqual(
    cases.map((one) => [one.pending, one.arrived, one.missing, one.arrivedTwice]),
    [
      [500, 500, 0, 0],
      [2000, 2000, 0, 0],
    ],
  );
  for (const one of cases) {
    assert.ok(one.firstArrivalMs >= -1, `${one.firstArrivalMs} ms: something arrived while it was held`);
    assert.ok(one.rssWhilePendingBytes > 1e7 && one.peakMemoryBytes > 1e7);
  }
  assert.equal(ratio, (cases[1]?.firstDrainedPerSecond ?? 0) / (cases[0]?.firstDrainedPerSecond ?? 0));
  assert.match(stdout, /^b\/a .*: first 500 of 2,000 pending/);
});

test('an accepted event that never arrives is a failure of the run', { skip }, async (t) => {
  const flags = '--drain --drain-sizes 500 --drain-webhooks 20'.split(' ');
  const { code, stderr, result } = await runBench(t, flags, { env: { STAND_IN_LOSES: '3' } });
  assert.equal(code, 1);
  assert.equal((result as DrainResult).cases[0]?.missing, 3);
  assert.match(stderr, /3 accepted events never arrived/);
});

test('a server that cannot be started is reported with its own words, and nothing is left', { skip }, async (t) => {
  const { code, stderr } = await runBench(t, ['--server-entry', join(tmpdir(), 'no-such-server.ts'), '--rounds', '1']);
  assert.equal(code, 1);
  assert.match(stderr, /the server ended while starting:[\s\S]*no-such-server/);
});

test('an interrupted run ends what it started and removes its folder', { skip, timeout: 60_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'broxi-bench-test-'));
  t.after(() => rm(directory, { recursive: true }));
  const args = [
    '--conditions=source',
    main,
    '--relay-only',
    '--dir',
    directory,
    '--rounds',
    '100',
    '--seconds',
    '1',
    '--warm-up',
    '1',
  ];
  const child = spawn(process.execPath, args);
  const closed = once(child, 'close');
  await once(child.stderr, 'data');
  const [folder = ''] = await readdir(directory);
  const nginxPid = Number(await readFile(join(directory, folder, 'receiver', 'nginx.pid'), 'utf8'));
  assert.equal(process.kill(nginxPid, 0), true);
  child.kill('SIGINT');
  assert.deepEqual(await closed, [130, null]);
  assert.throws(() => process.kill(nginxPid, 0), { code: 'ESRCH' });
  assert.deepEqual(await readdir(directory), []);
});

test('a flag that is not accepted stops the start', async (t) => {
  const { code, stderr } = await runBench(t, ['--rounds', 'many']);
  assert.equal(code, 1);
  assert.equal(stderr.trim(), '--rounds accepts a whole number from 1 to 100, not "many".');
});
