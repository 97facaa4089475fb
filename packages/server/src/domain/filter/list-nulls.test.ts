import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listNulls } from './list-nulls.ts';

test('null stands in a list wherever a merge patch would take its key out', () => {
  for (const [given, written] of [
    [{ a: null }, { a: [null] }],
    [{ a: { equals: null } }, { a: { in: [null] } }],
    [{ a: { not_equals: null } }, { a: { not_in: [null] } }],
    [{ a: { contains: null, not_contains: null } }, { a: { contains: [null], not_contains: [null] } }],
    [{ a: { equals: null, in: [null, 'x'] } }, { a: { in: [null] } }],
    [{ a: { in: [null, 'x'], equals: null } }, { a: { in: [null] } }],
    [{ a: { not_equals: null, not_in: ['x'] } }, { a: { not_in: ['x', null] } }],
    [{ a: { not_in: ['x'], not_equals: null } }, { a: { not_in: ['x', null] } }],
    [
      { not: { a: null }, any: [{ b: null }], all: [{ c: { equals: null } }] },
      { not: { a: [null] }, any: [{ b: [null] }], all: [{ c: { in: [null] } }] },
    ],
  ] as const) {
    assert.deepEqual(listNulls(given), written, JSON.stringify(given));
  }
});

test('what holds no null stays as it is', () => {
  const filter = { a: 'x', b: [null, 1], c: { greater_than: 1 }, not: { d: false } };
  assert.deepEqual(listNulls(filter), filter);
});
