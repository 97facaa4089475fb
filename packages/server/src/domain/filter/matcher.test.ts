import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExplainer, createMatcher, type Matching } from './matcher.ts';

const NONE: Matching = { filters: null, conditions: null, routes: null };
const subject = (data: object, event = 'workflow.completed') => ({ event, data });

test('there is nothing to do where nothing is configured', () => {
  assert.equal(createMatcher(NONE), null);
});

test('filters and conditions must both hold', () => {
  const matcher = createMatcher({ ...NONE, filters: { a: 1 }, conditions: { b: 1 } });
  assert.deepEqual(matcher?.(subject({ a: 1, b: 1 })), { route: null });
  for (const data of [{ a: 1 }, { b: 1 }, {}]) assert.equal(matcher?.(subject(data)), null);
});

test('the first route that holds decides, else the own URL', () => {
  const routes = [
    { id: 7, when: { a: 1 } },
    { id: 3, when: { b: 1 } },
  ];
  const matcher = createMatcher({ ...NONE, filters: { off: { exists: false } }, routes });
  assert.deepEqual(matcher?.(subject({ a: 1, b: 1 })), { route: 7 });
  assert.deepEqual(matcher?.(subject({ b: 1 })), { route: 3 });
  assert.deepEqual(matcher?.(subject({ c: 1 })), { route: null });
  assert.equal(matcher?.(subject({ a: 1, off: 1 })), null, 'no route leads past the filters');
});

test('explains with whole paths', () => {
  const explain = createExplainer({
    filters: { cost: { greater_than: 1 } },
    conditions: { any: [{ a: 1 }] },
    routes: [
      { id: 1, when: { event: 'x.y' } },
      { id: 2, when: { b: 1 } },
    ],
  });
  const pathsOf = (failed: readonly { path: string }[]) => failed.map(({ path }) => path);
  const refused = explain(subject({ cost: 1, b: 1 }));
  assert.deepEqual([refused.matches, refused.route], [false, null]);
  assert.deepEqual(pathsOf(refused.failed), ['filters.cost.greater_than', 'conditions.any[0].a']);
  const taken = explain(subject({ cost: 2, a: 1, b: 1 }));
  assert.deepEqual([taken.matches, taken.route, taken.failed], [true, 1, []]);
  assert.deepEqual(
    taken.routes.map(({ matches, failed }) => [matches, pathsOf(failed)]),
    [
      [false, ['routes[0].when.event']],
      [true, []],
    ],
  );
});

test('what cannot have been saved is not taken for a filter that is off', () => {
  assert.throws(() => createMatcher({ ...NONE, filters: { cost: { more_than: 1 } } }), /cannot be read/);
});
