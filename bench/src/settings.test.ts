import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseSettings } from './settings.ts';

test('without flags the defaults hold', () => {
  const settings = parseSettings([]) ?? assert.fail('help was not asked for');
  assert.equal(settings.rounds, 5);
  assert.equal(settings.connections, 64);
  assert.equal(settings.warmUpSeconds, 3);
  assert.deepEqual(settings.drainSizes, [10_000, 1_000_000]);
  assert.equal(settings.measurement, 'comparison');
  assert.equal(settings.otherEntry, null);
  assert.match(settings.serverEntry, /^\/.*\/tools\/broxi\.js$/);
});

test('flags change them', () => {
  const flags = ['--rounds', '9', '--drain', '--drain-sizes=50,100', '--drain-webhooks=50'];
  const settings = parseSettings(flags) ?? assert.fail('help was not asked for');
  assert.equal(settings.rounds, 9);
  assert.equal(settings.measurement, 'drain');
  assert.deepEqual(settings.drainSizes, [50, 100]);
});

test('both sides of a bound', () => {
  assert.equal(parseSettings(['--connections', '1000'])?.connections, 1000);
  assert.equal(parseSettings(['--connections', '1'])?.connections, 1);
  for (const text of ['0', '1001', '1.5', '1e2', '']) {
    assert.throws(() => parseSettings([`--connections=${text}`]), {
      name: 'BenchError',
      message: `--connections accepts a whole number from 1 to 1000, not "${text}".`,
    });
  }
});

test('what is not accepted is named', () => {
  assert.throws(() => parseSettings(['--round', '5']), /'--round'/);
  assert.throws(() => parseSettings(['--drain-sizes=1500']), /multiples of --drain-webhooks \(1000\), not 1500/);
});

test('help', () => {
  assert.equal(parseSettings(['--help']), null);
});

test('one run measures one thing', () => {
  assert.equal(parseSettings(['--neighbour'])?.measurement, 'neighbour');
  assert.equal(parseSettings(['--drain-batches'])?.measurement, 'drain-batches');
  assert.throws(() => parseSettings(['--neighbour', '--filters']), /One run .* not --neighbour and --filters\./);
});

test('another checkout is known by its entry file, and takes part in the comparison only', () => {
  const here = fileURLToPath(new URL('../../', import.meta.url));
  assert.equal(parseSettings(['--against', here])?.otherEntry, parseSettings([])?.serverEntry);
  assert.throws(() => parseSettings(['--against', '/']), /--against accepts the folder of a checkout, .*, not "\/"/);
  for (const flag of ['--relay-only', '--neighbour', '--drain']) {
    assert.throws(() => parseSettings(['--against', here, flag]), /--against is for the comparison/);
  }
});

test('beside a hung webhook nothing may last until it times out, and it must not run out of deliveries', () => {
  assert.equal(parseSettings(['--neighbour', '--seconds=37'])?.seconds, 37);
  assert.throws(() => parseSettings(['--neighbour', '--seconds=38']), /up to 40 together/);
  assert.throws(() => parseSettings(['--neighbour', '--latency-seconds=41']), /--latency-seconds up to 40/);
  assert.equal(parseSettings(['--neighbour', '--hung-slots=1000', '--rounds=9'])?.hungSlots, 1000);
  assert.throws(
    () => parseSettings(['--neighbour', '--hung-slots=1000', '--rounds=10']),
    /--hung-backlog must be more/,
  );
});

test('several servers need a database that they share', () => {
  assert.equal(parseSettings(['--postgres'])?.servers, 1);
  assert.equal(parseSettings(['--postgres', '--servers=2'])?.servers, 2);
  assert.throws(() => parseSettings(['--servers=2']), /--servers is for --postgres/);
  assert.throws(() => parseSettings(['--postgres', '--servers=9']), /--servers accepts a whole number from 1 to 8/);
});

test('what drains in batches comes out even', () => {
  assert.equal(parseSettings(['--batch-events=4000', '--batch-size=20', '--batch-webhooks=4'])?.batchEvents, 4000);
  assert.throws(() => parseSettings(['--batch-events=100050']), /--batch-webhooks times --batch-size \(1000\)/);
});
