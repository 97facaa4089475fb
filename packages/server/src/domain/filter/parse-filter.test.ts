import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPERATORS } from './filter.ts';
import { MAX_FILTER_NESTING, MAX_FILTER_TESTS, parseFilter } from './parse-filter.ts';

function problems(filter: unknown): Record<string, string> {
  const read = parseFilter(filter, 'filters');
  if ('filter' in read) return {};
  return Object.fromEntries(read.problems.map(({ path, message }) => [path, message]));
}

/** `depth` filters inside of each other. */
const nested = (depth: number): object => (depth === 0 ? { a: 1 } : { not: nested(depth - 1) });

test('takes every form of a value, and every operator', () => {
  for (const filter of [
    { a: 'x' },
    { a: 1, b: true, c: null },
    { a: ['x', 1, false, null] },
    { 'a.b.c': 'x', 'a\\.b': 'y', '\\event': 'z', '\\all': 1 },
    { event: 'workflow.failed' },
    { event: { starts_with: 'workflow.' } },
    { a: { equals: null, not_equals: 'x' } },
    { a: { in: ['x'], not_in: ['y'] } },
    { a: { starts_with: 'x', ends_with: ['y', 'z'] } },
    { a: { contains: 'x', not_contains: ['y', 1] } },
    { a: { matches: '^x+$' } },
    { a: { exists: false } },
    { a: { greater_than: 1, less_than: 2 } },
    { a: { greater_than_or_equal: 1, less_than_or_equal: 1 } },
    { a_contains: ['x'], b_contains: 'y' },
    { all: [{ a: 1 }, { b: 1 }], any: [{ a: 1 }], not: { a: 2 } },
    nested(MAX_FILTER_NESTING),
    { a: Array.from({ length: 1_000 }, (_, i) => i) },
    { any: Array.from({ length: 10 }, () => ({ a: { matches: 'x' } })) },
    { a_contains: ['x'.repeat(4_000), 'y'.repeat(96)], b: { starts_with: 'z'.repeat(5_000) } },
  ]) {
    assert.deepEqual(problems(filter), {}, JSON.stringify(filter).slice(0, 200));
  }
});

const REFUSED: readonly [what: string, filter: unknown, path: string, message: RegExp][] = [
  ['a text', 'x', 'filters', /must be an object/],
  ['a list', [], 'filters', /must be an object/],
  ['no field', {}, 'filters', /at least one field/],
  ['an unknown operator', { cost: { greater: 1 } }, 'filters.cost.greater', /did you mean greater_than\?/],
  ['an operator with a typo', { cost: { les_than: 1 } }, 'filters.cost.les_than', /did you mean less_than\?/],
  ['an operator of another language', { cost: { $gte: 1 } }, 'filters.cost.$gte', /mean greater_than_or_equal\?/],
  ['an operator that is near none', { cost: { zzz: 1 } }, 'filters.cost.zzz', /expected one of equals/],
  ['an operator named like a prototype', { cost: { constructor: 1 } }, 'filters.cost.constructor', /not an operator/],
  ['a field inside as an object', { error: { code: 'X' } }, 'filters.error.code', /"error\.code"/],
  ['no operator', { cost: {} }, 'filters.cost', /at least one operator/],
  ['an empty list', { a: [] }, 'filters.a', /1 to 1000 .*never match/],
  ['an empty list of an operator', { a: { in: [] } }, 'filters.a.in', /1 to 1000/],
  ['an empty list of texts', { a: { starts_with: [] } }, 'filters.a.starts_with', /1 to 1000/],
  ['an empty shorthand', { a_contains: [] }, 'filters.a_contains', /1 to 1000/],
  ['a list that is too long', { a: Array(1_001).fill(1) }, 'filters.a', /1 to 1000/],
  ['objects in a list', { a: [{ b: 1 }] }, 'filters.a', /texts, numbers/],
  ['a text for a number', { cost: { greater_than: '0.1' } }, 'filters.cost.greater_than', /must be a number/],
  ['null for a number', { cost: { less_than: null } }, 'filters.cost.less_than', /must be a number/],
  ['a number for a text', { a: { starts_with: 1 } }, 'filters.a.starts_with', /must be a text/],
  ['an empty text', { a: { ends_with: '' } }, 'filters.a.ends_with', /not empty/],
  ['an empty text that is contained', { a: { contains: '' } }, 'filters.a.contains', /not empty/],
  ['a text for true', { a: { exists: 'yes' } }, 'filters.a.exists', /true or false/],
  ['a list for one value', { a: { equals: ['x'] } }, 'filters.a.equals', /write in/],
  ['an object for a value', { a: { not_equals: {} } }, 'filters.a.not_equals', /must be a text, a number/],
  ['operators for a shorthand', { a_contains: { equals: 'x' } }, 'filters.a_contains', /short for \{"a"/],
  ['a negated shorthand', { output_not_contains: ['x'] }, 'filters.output_not_contains', /"output": \{"not_contains"/],
  ['a pattern that is none', { a: { matches: '(' } }, 'filters.a.matches', /missing closing \)/],
  ['a pattern that looks back', { a: { matches: '(a)\\1' } }, 'filters.a.matches', /regular expression of RE2/],
  ['a family as a type', { event: 'workflow.*' }, 'filters.event', /starts_with/],
  ['an empty key', { '': 1 }, 'filters', /empty part/],
  ['an empty step', { 'a..b': 1 }, 'filters.a\\.\\.b', /empty part/],
  ['a backslash at the end', { 'a\\': 1 }, 'filters.a\\', /backslash/],
  ['a key without end', { ['a'.repeat(257)]: 1 }, `filters.${'a'.repeat(80)}…`, /256 characters/],
  ['too many steps', { [Array(17).fill('a').join('.')]: 1 }, `filters.${Array(17).fill('a').join('\\.')}`, /16 levels/],
  ['__proto__', JSON.parse('{"__proto__": 1}'), 'filters.__proto__', /__proto__/],
  ['__proto__ on the way', { 'a.__proto__.b': 1 }, 'filters.a\\.__proto__\\.b', /__proto__/],
  ['__proto__ as an operator', { a: JSON.parse('{"__proto__": 1}') }, 'filters.a.__proto__', /not an operator/],
  ['all without a list', { all: { a: 1 } }, 'filters.all', /list of at least one/],
  ['any without a filter', { any: [] }, 'filters.any', /list of at least one/],
  ['an empty filter inside', { any: [{ a: 1 }, {}] }, 'filters.any[1]', /at least one field/],
  ['an empty not', { not: {} }, 'filters.not', /at least one field/],
  ['a list for not', { not: [{ a: 1 }] }, 'filters.not', /must be an object/],
  ['a fault deep inside', { any: [{ not: { cost: { more: 1 } } }] }, 'filters.any[0].not.cost.more', /not an operator/],
  ['too much nesting', nested(MAX_FILTER_NESTING + 1), `filters${'.not'.repeat(MAX_FILTER_NESTING + 1)}`, /10 levels/],
  ['a hundred levels', nested(60), `filters${'.not'.repeat(MAX_FILTER_NESTING + 1)}`, /10 levels/],
  ['a megabyte', { a: 'x'.repeat(2 ** 20) }, 'filters', /32 KiB/],
  [
    'too many patterns',
    { any: Array.from({ length: 11 }, () => ({ a: { matches: 'x' } })) },
    'filters',
    /at most 4096 characters inside of texts \(a pattern counts as 400\)/,
  ],
  ['too much to look for', { a_contains: ['x'.repeat(4_000)], b: { not_contains: 'y'.repeat(97) } }, 'filters', /4096/],
  [
    'too many tests',
    { any: Array.from({ length: MAX_FILTER_TESTS + 1 }, () => ({ a: 1 })) },
    'filters',
    /at most 100 tests; it makes 101/,
  ],
  [
    'an empty range',
    { a: { greater_than: 5, less_than: 1 } },
    'filters.a',
    /no number is greater_than 5 and less_than 1/,
  ],
  ['an open range of one', { a: { greater_than: 5, less_than_or_equal: 5 } }, 'filters.a', /can never hold/],
  ['a value out of range', { a: { equals: 1, greater_than: 2 } }, 'filters.a', /equals and greater_than/],
  ['a list without what is left', { a: { in: ['x'], not_in: ['x', 'y'] } }, 'filters.a', /can never hold/],
  ['absent and above', { a: { exists: false, greater_than: 1 } }, 'filters.a', /exists is false/],
  ['absent and equal', { a: { exists: false, equals: null } }, 'filters.a', /exists is false/],
  ['a text that is a number', { a: { starts_with: 'x', less_than: 1 } }, 'filters.a', /text.*number/],
];

for (const [what, filter, path, message] of REFUSED) {
  test(`refuses ${what}`, () => {
    const found = problems(filter);
    assert.ok(path in found, JSON.stringify(found));
    assert.match(found[path] ?? '', message);
  });
}

test('names everything that is wrong, but no endless list', () => {
  assert.deepEqual(Object.keys(problems({ a: { x: 1 }, b: [], any: [{ c: {} }] })), [
    'filters.a.x',
    'filters.b',
    'filters.any[0].c',
  ]);
  const many = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`field${i}`, []]));
  assert.equal(Object.keys(problems(many)).length, 20);
});

test('what only looks contradictory is taken', () => {
  for (const filter of [
    { a: { greater_than: 1, less_than: 1.0001 } },
    { a: { exists: false, not_equals: 'x' } },
    { a: { exists: true, contains: 'x', starts_with: 'y' } },
    { a: { in: ['x', 'y'], not_equals: 'x' } },
    { token_usage: { greater_than: 1, exists: true } },
  ]) {
    assert.deepEqual(problems(filter), {}, JSON.stringify(filter));
  }
});

test('knows the operators of the language, and no others', () => {
  assert.equal(OPERATORS.length, 14);
  for (const operator of OPERATORS)
    assert.equal(`filters.a.${operator.toUpperCase()}` in problems({ a: { [operator.toUpperCase()]: 1 } }), true);
});
