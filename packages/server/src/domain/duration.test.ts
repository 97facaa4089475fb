import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeSeconds, readDuration } from './duration.ts';

test('reads numbers as seconds and texts by their unit', () => {
  const read: [unknown, number][] = [
    [5, 5],
    [0.1, 0.1],
    [0, 0],
    ['5s', 5],
    ['2m', 120],
    ['1h', 3600],
    ['500ms', 0.5],
    ['1d', 86_400],
  ];
  for (const [value, seconds] of [...read, ['0.1m', 6], ['1.5h', 5400], ['1.1m', 66]]) {
    assert.equal(readDuration(value), seconds, String(value));
  }
});

test('refuses everything else', () => {
  const refused = [
    '5',
    '5 s',
    ' 5s',
    '-5s',
    '5S',
    '1w',
    '',
    's',
    '1e3s',
    '.5s',
    '5.s',
    '5s5s',
    `${'9'.repeat(40)}s`,
    '5\n',
    '5s\n',
  ];
  for (const value of [...refused, -1, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, ['5s'], {}]) {
    assert.equal(readDuration(value), null, String(value));
  }
});

test('units agree with each other', () => {
  fc.assert(
    fc.property(fc.nat(10_000), (n) => {
      assert.equal(readDuration(`${n}h`), readDuration(`${n * 60}m`));
      assert.equal(readDuration(`${n * 1000}ms`), readDuration(n));
    }),
  );
});

test('describes bounds', () => {
  assert.deepEqual([0.1, 60, 86_400, 604_800].map(describeSeconds), ['0.1 s', '60 s', '1 day', '7 days']);
});
