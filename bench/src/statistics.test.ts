import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { distributionOf, median, percentile } from './statistics.ts';

const someNumbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 });

test('the median of an even count is the mean of the two in the middle', () => {
  assert.equal(median([9, 1, 4]), 4);
  assert.equal(median([1, 10, 2, 4]), 3);
});

test('as many distinct values lie above the median as below it', () => {
  const distinct = fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(distinct, (values) => {
      const middle = median(values);
      assert.equal(values.filter((v) => v > middle).length, values.filter((v) => v < middle).length);
    }),
  );
});

test('a percentile is the smallest value that the share does not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 1), 100);
  assert.equal(percentile([7], 0.01), 7);
});

test('at least the share is at or below the percentile, and less than the share is below it', () => {
  fc.assert(
    fc.property(someNumbers, fc.constantFrom(0.01, 0.25, 0.5, 0.9, 0.99, 1), (values, share) => {
      const value = percentile(values, share);
      assert.ok(values.filter((v) => v <= value).length >= share * values.length);
      assert.ok(values.filter((v) => v < value).length < share * values.length);
    }),
  );
});

test('a distribution keeps what is negative', () => {
  assert.deepEqual(distributionOf([3, -2, 1]), { count: 3, min: -2, p50: 1, p99: 3, max: 3 });
});

test('nothing has no median and no percentile', () => {
  assert.throws(() => median([]), RangeError);
  assert.throws(() => percentile([], 0.5), RangeError);
  assert.throws(() => percentile([1], 0), RangeError);
});
