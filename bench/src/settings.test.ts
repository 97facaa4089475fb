import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from './settings.ts';

test('without flags the defaults hold', () => {
  const settings = parseSettings([]) ?? assert.fail('help was not asked for');
  assert.equal(settings.rounds, 5);
  assert.equal(settings.connections, 64);
  assert.equal(settings.warmUpSeconds, 3);
  assert.deepEqual(settings.drainSizes, [10_000, 1_000_000]);
  assert.equal(settings.drain, false);
  assert.equal(settings.filters, false);
  assert.match(settings.serverEntry, /^\/.*packages\/server\/src\/cli\/main\.ts$/);
});

test('flags change them', () => {
  const flags = ['--rounds', '9', '--drain', '--drain-sizes=50,100', '--drain-webhooks=50', '--hold', 'role'];
  const settings = parseSettings(flags) ?? assert.fail('help was not asked for');
  assert.equal(settings.rounds, 9);
  assert.equal(settings.drain, true);
  assert.deepEqual(settings.drainSizes, [50, 100]);
  assert.equal(settings.hold, 'role');
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
  assert.throws(() => parseSettings(['--hold=tight']), /--hold accepts silence or role, not "tight"/);
  assert.throws(() => parseSettings(['--drain-sizes=1500']), /multiples of --drain-webhooks \(1000\), not 1500/);
});

test('help', () => {
  assert.equal(parseSettings(['--help']), null);
});
