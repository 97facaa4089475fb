import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandStatusCodes, readStatusCodes } from './status-codes.ts';

test('takes statuses and ranges from 300 to 599', () => {
  for (const codes of [[], [404], ['500-599'], [300, 599, '300-300', '408-429']]) {
    assert.equal(readStatusCodes(codes), codes);
  }
});

test('refuses everything else', () => {
  for (const entry of [
    299,
    600,
    404.5,
    Number.NaN,
    '404',
    '500-',
    '-599',
    '599-500',
    '500-600',
    '200-599',
    ' 500-599',
    null,
    true,
    [],
  ]) {
    assert.equal(readStatusCodes([404, entry]), null, String(entry));
  }
  for (const value of [undefined, null, 404, '404', {}, { length: 0 }]) assert.equal(readStatusCodes(value), null);
  assert.equal(readStatusCodes(new Array(101).fill(404)), null);
  assert.notEqual(readStatusCodes(new Array(100).fill(404)), null);
});

test('expands to exactly the statuses that are named', () => {
  const status = fc.integer({ min: 300, max: 599 });
  const range = fc.tuple(status, status).map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a]));
  fc.assert(
    fc.property(fc.array(status), fc.array(range, { maxLength: 5 }), (singles, ranges) => {
      const all = expandStatusCodes([...singles, ...ranges.map(([first, last]) => `${first}-${last}`)]);
      for (let code = 200; code < 700; code++) {
        const named = singles.includes(code) || ranges.some(([first, last]) => code >= first && code <= last);
        assert.equal(all.has(code), named, String(code));
      }
    }),
  );
  assert.deepEqual([...expandStatusCodes(['nonsense'])], []);
});
