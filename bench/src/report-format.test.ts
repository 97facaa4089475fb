import assert from 'node:assert/strict';
import { test } from 'node:test';
import { range, table } from './report-format.ts';

test('columns are aligned', () => {
  assert.deepEqual(
    table([
      ['', 'a'],
      ['rate', '1,000'],
      ['x', ''],
    ]),
    ['          a', 'rate  1,000', 'x'],
  );
});

test('a range is from the lowest to the highest', () => {
  assert.equal(range([1200, 7, 1000]), '7 to 1,200');
});
