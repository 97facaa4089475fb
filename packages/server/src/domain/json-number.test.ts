import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { numberChanges } from './json-number.ts';

test('what JavaScript keeps is fine, however it is written', () => {
  for (const token of [
    ...['0', '-0', '1', '1.0', '0.1', '-0.5', '1e3', '1E+3', '1.50e-2', '100000000000000000000e-5', '0e999', '0.000'],
    ...['9007199254740992', '-9007199254740992', '9007199254740991', '1e22', '5e-324', '1.7976931348623157e308'],
  ]) {
    assert.equal(numberChanges(token), false, token);
  }
});

test('what would become another number is refused', () => {
  for (const token of [
    ...['9007199254740993', '-9007199254740993', '9007199254740994', '10000000000000000000000', '1e400', '-1e400'],
    ...['1e-400', '0.1000000000000000055', '0.30000000000000000001', '123456789012345678.9', '1.00000000000000000001'],
  ]) {
    assert.equal(numberChanges(token), true, token);
  }
});

test('every double that JavaScript writes is kept, but integers beyond 2^53', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const token = JSON.stringify(value);
      assert.equal(numberChanges(token), Math.abs(value) > 2 ** 53 && /^-?\d+$/.test(token));
    }),
  );
});

test('of integers exactly those beyond ±2^53 are refused', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (value) => {
      assert.equal(numberChanges(String(value)), value > 2n ** 53n || value < -(2n ** 53n));
    }),
  );
});

test('zeros that say nothing change nothing', () => {
  const zeros = fc.nat(30).map((count) => '0'.repeat(count));
  fc.assert(
    fc.property(fc.integer(), fc.nat(99), zeros, (whole, hundredths, tail) => {
      assert.equal(numberChanges(`${whole}.${String(hundredths).padStart(2, '0')}${tail}`), false);
    }),
  );
});

test('a hostile row of digits takes no longer than reading it', () => {
  const started = performance.now();
  assert.equal(numberChanges(`1${'0'.repeat(500_000)}1.${'0'.repeat(500_000)}1`), true);
  assert.ok(performance.now() - started < 2000);
});
