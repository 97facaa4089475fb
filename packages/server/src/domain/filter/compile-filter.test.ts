import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { catalog } from '@broxi/events';
import { compileFilter } from './compile-filter.ts';
import { parseFilter } from './parse-filter.ts';

function holds(filter: unknown, data: unknown, event = 'workflow.completed'): boolean {
  const read = parseFilter(filter, 'filters');
  assert.ok('filter' in read, JSON.stringify(read));
  return compileFilter(read.filter)({ event, data });
}

/** A test, the values of a field that pass it, and those that do not. */
const MEANING: readonly [test: unknown, passes: readonly unknown[], fails: readonly unknown[]][] = [
  ['x', ['x'], ['X', 'xx', '', 1, null, true, ['x'], { x: 1 }]],
  [1, [1, 1.0], ['1', 2, true, null, [1]]],
  [true, [true], ['true', 1, false, null]],
  [null, [null], [0, '', false, [], {}]],
  [
    ['x', 1, null],
    ['x', 1, null],
    ['1', 'y', 0, false, ['x']],
  ],
  [{ equals: 'x' }, ['x'], ['y', 1, null]],
  [{ not_equals: 'x' }, ['y', 'X', 1, null, [], ['x'], {}], ['x']],
  [{ in: ['x', 2] }, ['x', 2], ['y', '2', null]],
  [{ not_in: ['x', 2] }, ['y', '2', null, {}], ['x', 2]],
  [{ starts_with: 'pre' }, ['pre', 'prefix'], ['Prefix', 'a pre', '', 1, null, ['pre']]],
  [{ starts_with: ['a', 'b'] }, ['ax', 'bx'], ['cx']],
  [{ ends_with: 'fix' }, ['fix', 'prefix'], ['fixed', 1, null]],
  [{ contains: 'err' }, ['error', 'an error', ['err', 1]], ['Error', '', 1, null, ['error'], { err: 1 }]],
  [{ contains: ['a', 2] }, ['xax', [2], ['a']], ['2', 2, [], [['a']], null]],
  [{ not_contains: 'err' }, ['Error', 1, null, [], ['error']], ['error', ['err']]],
  [{ matches: '^[a-c]+\\d$' }, ['abc1'], ['abc', 'xabc1', 1, null, ['abc1']]],
  [{ matches: 'b+' }, ['abbc'], ['ac']],
  [{ matches: '(?i)ERROR' }, ['some error'], ['fine']],
  [{ exists: true }, ['x', 0, false, null, [], {}], []],
  [{ exists: false }, [], ['x', 0, false, null, [], {}]],
  [{ greater_than: 5 }, [5.1, 1e9], [5, 4, '6', null, true, [6], {}]],
  [{ greater_than_or_equal: 5 }, [5, 6], [4.9, '5']],
  [{ less_than: 5 }, [4.9, -1], [5, '4', null]],
  [{ less_than_or_equal: 5 }, [5, 4], [5.1]],
  [{ greater_than: 1, less_than: 3 }, [2], [1, 3, '2']],
];

describe('a field', () => {
  for (const [wanted, passes, fails] of MEANING) {
    test(`${JSON.stringify(wanted)} of a value`, () => {
      for (const value of passes) assert.equal(holds({ f: wanted }, { f: value }), true, JSON.stringify(value));
      for (const value of fails) assert.equal(holds({ f: wanted }, { f: value }), false, JSON.stringify(value));
    });
  }

  test('that is absent passes only what says so', () => {
    for (const [wanted] of MEANING) {
      const operators =
        typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted) ? wanted : { equals: 0 };
      const names = Object.keys(operators);
      const passes = names.every((name) => name.startsWith('not_')) || JSON.stringify(wanted) === '{"exists":false}';
      for (const data of [{}, { g: 1 }, { constructor: 1 }]) {
        assert.equal(holds({ f: wanted }, data), passes, JSON.stringify(wanted));
        assert.equal(holds({ 'f.g': wanted }, { f: 'text' }), passes, JSON.stringify(wanted));
        assert.equal(holds({ 'f.g': wanted }, { f: null }), passes, JSON.stringify(wanted));
      }
    }
  });

  test('never leads into a prototype', () => {
    for (const key of ['constructor', 'toString', 'constructor.name', 'f.length', 'hasOwnProperty']) {
      assert.equal(holds({ [key]: { exists: true } }, { f: 'text' }), false, key);
    }
    assert.equal(holds({ constructor: 'x' }, { constructor: 'x' }), true);
  });

  test('is dotted for nesting, and a backslash takes the next character as it is', () => {
    const data = { a: { b: { c: 1 } }, 'a.b': 2, event: 'own', all: 3, 'back\\slash': 4 };
    assert.equal(holds({ 'a.b.c': 1 }, data), true);
    assert.equal(holds({ 'a\\.b': 2 }, data), true);
    assert.equal(holds({ '\\event': 'own' }, data), true);
    assert.equal(holds({ '\\all': 3 }, data), true);
    assert.equal(holds({ 'back\\\\slash': 4 }, data), true);
    assert.equal(holds({ event: 'own' }, data), false);
    assert.equal(holds({ event: 'workflow.completed' }, data), true);
  });
});

describe('a path through an array', () => {
  const data = {
    steps: [{ name: 'load', seconds: 5, tags: ['slow'] }, { name: 'ask', seconds: 1 }, 'text'],
    none: [],
    deep: [[{ x: 1 }], { x: 2 }],
  };

  test('holds if it does for any element', () => {
    assert.equal(holds({ 'steps.name': 'ask' }, data), true);
    assert.equal(holds({ 'steps.name': 'other' }, data), false);
    assert.equal(holds({ 'steps.name': { not_equals: 'ask' } }, data), true);
    assert.equal(holds({ not: { 'steps.name': 'ask' } }, data), false);
    assert.equal(holds({ 'steps.tags': { contains: 'slow' } }, data), true);
    assert.equal(holds({ 'deep.x': 1 }, data), true);
    assert.equal(holds({ 'deep.x': 2 }, data), true);
  });

  test('asks all operators of one element', () => {
    assert.equal(holds({ 'steps.seconds': { greater_than: 4, less_than: 6 } }, data), true);
    assert.equal(holds({ 'steps.seconds': { greater_than: 2, less_than: 4 } }, data), false);
  });

  test('leads nowhere where it is empty, and counts no positions', () => {
    assert.equal(holds({ 'none.x': { exists: false } }, data), true);
    assert.equal(holds({ 'none.x': { exists: true } }, data), false);
    assert.equal(holds({ 'steps.0.name': { exists: true } }, data), false);
    assert.equal(holds({ none: { exists: true } }, data), true);
  });
});

test('numeric operators on token_usage read its total', () => {
  const used = (total: unknown) => ({ token_usage: { prompt_tokens: 5000, total_tokens: total } });
  assert.equal(holds({ token_usage: { greater_than: 1000 } }, used(1001)), true);
  assert.equal(holds({ token_usage: { greater_than: 1000 } }, used(1000)), false);
  assert.equal(holds({ token_usage: { less_than_or_equal: 1000 } }, used(1000)), true);
  assert.equal(holds({ token_usage: { less_than: 1000 } }, used('1')), false);
  assert.equal(holds({ token_usage: { less_than: 1000 } }, { token_usage: {} }), false);
  assert.equal(holds({ token_usage: { less_than: 1000 } }, { token_usage: 7 }), true);
  assert.equal(holds({ 'run.token_usage': { greater_than: 1 } }, { run: used(2) }), true);
  assert.equal(holds({ 'token_usage.prompt_tokens': { greater_than: 1000 } }, used(1)), true);
  assert.equal(holds({ usage: { greater_than: 1000 } }, { usage: { total_tokens: 2000 } }), false);
});

test('_contains is short for contains any of', () => {
  const filter = { output_contains: ['error', 'failed'] };
  assert.equal(holds(filter, { output: 'it failed' }), true);
  assert.equal(holds(filter, { output: 'fine' }), false);
  assert.equal(holds(filter, { output_contains: 'error' }), false);
  assert.equal(holds({ 'message.content_contains': 'order' }, { message: { content: 'my order' } }), true);
  assert.equal(holds({ 'output\\_contains': 'error' }, { output_contains: 'error' }), true, 'escaped, it is a name');
});

test('the worst that can be looked for takes a moment', () => {
  const text = 'a'.repeat(256 * 1024);
  const startedAt = performance.now();
  for (const filter of [
    { output_contains: `aaaaab${'a'.repeat(4_000)}` },
    { output_contains: Array.from({ length: 300 }, (_, i) => `aaaaaab${i}`) },
    { all: Array.from({ length: 10 }, (_, i) => ({ output: { matches: `(a|b)*a(a|b){50}[0-${i}]` } })) },
  ]) {
    assert.equal(holds(filter, { output: text }), false);
  }
  assert.ok(performance.now() - startedAt < 10_000);
});

test('all, any and not are boolean', () => {
  const data = { a: 1, b: 2 };
  assert.equal(holds({ all: [{ a: 1 }, { b: 2 }] }, data), true);
  assert.equal(holds({ all: [{ a: 1 }, { b: 3 }] }, data), false);
  assert.equal(holds({ any: [{ a: 9 }, { b: 2 }] }, data), true);
  assert.equal(holds({ any: [{ a: 9 }, { b: 9 }] }, data), false);
  assert.equal(holds({ not: { a: 1, b: 2 } }, data), false);
  assert.equal(holds({ not: { a: 1, b: 3 } }, data), true);
  assert.equal(holds({ not: { missing: 'x' } }, data), true);
  assert.equal(holds({ a: 1, any: [{ b: 2 }], not: { b: 3 } }, data), true);
});

test("the guide's configuration holds for what it means, and for nothing else", () => {
  const filters = {
    workflow_id: ['customer_support_bot', 'sales_assistant'],
    user_id: { starts_with: 'premium_' },
    output_contains: ['error', 'failed', 'unable'],
  };
  const conditions = {
    execution_time: { greater_than: 5.0 },
    token_usage: { greater_than: 1000 },
    cost: { greater_than: 0.1 },
  };
  const data = {
    ...catalog['workflow.completed'].sample,
    user_id: 'premium_7',
    output: 'We were unable to find it',
    execution_time: 5.1,
    token_usage: { prompt_tokens: 900, completion_tokens: 101, total_tokens: 1001 },
    cost: 0.11,
  };
  const both = { all: [filters, conditions] };
  assert.equal(holds(both, data), true);
  for (const change of [
    { workflow_id: 'other' },
    { user_id: 'basic_premium_7' },
    { output: 'All is well' },
    { output: null },
    { execution_time: 5 },
    { token_usage: { total_tokens: 1000 } },
    { token_usage: undefined },
    { cost: 0.1 },
  ]) {
    assert.equal(holds(both, { ...data, ...change }), false, JSON.stringify(change));
  }
});
