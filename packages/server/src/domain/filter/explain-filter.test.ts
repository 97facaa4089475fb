import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFilter } from './explain-filter.ts';
import { parseFilter } from './parse-filter.ts';

function explain(filter: unknown, data: unknown) {
  const read = parseFilter(filter, 'filters');
  assert.ok('filter' in read, JSON.stringify(read));
  return explainFilter(read.filter, { event: 'workflow.completed', data });
}
const paths = (filter: unknown, data: unknown) => explain(filter, data).map(({ path }) => path);

test('names each test that fails, and what it saw', () => {
  const filter = {
    workflow_id: ['bot'],
    cost: { greater_than: 0.1, exists: true },
    'error.code': 'X',
    event: 'api.quota.warning',
  };
  const data = { workflow_id: 'other', cost: 0.05 };
  assert.deepEqual(
    explain(filter, data).map(({ path, key, operator, operand, seen }) => [path, key, operator, operand, seen]),
    [
      ['workflow_id', 'workflow_id', 'in', ['bot'], ['other']],
      ['cost.greater_than', 'cost', 'greater_than', 0.1, [0.05]],
      ['error\\.code', 'error.code', 'equals', 'X', []],
      ['event', 'event', 'equals', 'api.quota.warning', ['workflow.completed']],
    ],
  );
  assert.deepEqual(explain({ cost: { less_than: 1 } }, data), []);
});

test('null is seen, and absent is not', () => {
  assert.deepEqual(explain({ a: 'x' }, { a: null })[0]?.seen, [null]);
  assert.deepEqual(explain({ a: 'x' }, {})[0]?.seen, []);
});

test('of any, every part is to blame; of all, those that fail', () => {
  assert.deepEqual(paths({ any: [{ a: 1 }, { b: 1 }] }, { a: 2 }), ['any[0].a', 'any[1].b']);
  assert.deepEqual(paths({ any: [{ a: 1 }, { b: 1 }] }, { b: 1 }), []);
  assert.deepEqual(paths({ all: [{ a: 1 }, { b: 1 }] }, { a: 1 }), ['all[1].b']);
});

test('inside of not, what holds is to blame', () => {
  const [blamed, ...more] = explain({ not: { a: 1, b: 1 } }, { a: 1, b: 1 });
  assert.deepEqual([blamed?.path, blamed?.holds, more.length], ['not.a', true, 1]);
  assert.deepEqual(explain({ not: { a: 1, b: 1 } }, { a: 1, b: 2 }), []);
  assert.deepEqual(paths({ not: { any: [{ a: 1 }, { b: 1 }] } }, { a: 1 }), ['not.any[0].a']);
  const twice = explain({ not: { not: { a: 1 } } }, { a: 2 });
  assert.deepEqual([twice[0]?.path, twice[0]?.holds], ['not.not.a', false]);
});

test('shows some of many values on the way through an array', () => {
  const steps = Array.from({ length: 50 }, (_, i) => ({ seconds: i }));
  assert.deepEqual(
    explain({ 'steps.seconds': { greater_than: 99 } }, { steps })[0]?.seen,
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test('where elements pass each test and none passes all, all are to blame', () => {
  const filter = { 'steps.seconds': { greater_than: 2, less_than: 4 } };
  const data = { steps: [{ seconds: 1 }, { seconds: 9 }] };
  assert.deepEqual(paths(filter, data), ['steps\\.seconds.greater_than', 'steps\\.seconds.less_than']);
});
