import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { MAX_SUBSCRIPTIONS, readSubscriptions } from './subscriptions.ts';

function problemsOf(events: unknown): FieldError[] {
  const problems: FieldError[] = [];
  readSubscriptions(new FieldReader(events === undefined ? {} : { events }, '', problems));
  return problems;
}

test('takes types, families, operational events by name, and everything', () => {
  const events = ['workflow.completed', 'workflow.*', '*', 'webhook.disabled', 'order.paid', 'order.line.*'];
  assert.deepEqual(problemsOf(events), []);
  assert.deepEqual(readSubscriptions(new FieldReader({ events }, '', [])), events);
});

test('refuses each wrong name by its place', () => {
  for (const name of [
    '',
    'workflow',
    'Workflow.Failed',
    'workflow.',
    '.failed',
    'workflow.**',
    '*.failed',
    'work*.failed',
    ' *',
    null,
    7,
    {},
  ]) {
    const [problem, ...more] = problemsOf(['*', name]);
    assert.equal(problem?.path, 'events[1]', String(name));
    assert.match(problem?.message ?? '', /^must be a type in dotted lower case/);
    assert.equal(more.length, 0);
  }
});

test('families never include operational events', () => {
  for (const family of ['webhook.*', 'delivery.*', 'webhook.circuit.*']) {
    assert.match(problemsOf([family])[0]?.message ?? '', /^must name one operational event/, family);
  }
});

test('a name twice is refused where it comes again', () => {
  assert.deepEqual(problemsOf(['*', 'workflow.failed', 'workflow.failed', '*']), [
    { path: 'events[2]', message: 'is in the list already' },
    { path: 'events[3]', message: 'is in the list already' },
  ]);
});

test('1 to 64 names', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `order.n${i}`);
  assert.deepEqual(problemsOf(names(MAX_SUBSCRIPTIONS)), []);
  for (const events of [[], names(MAX_SUBSCRIPTIONS + 1), 'workflow.*', {}]) {
    assert.match(problemsOf(events)[0]?.message ?? '', /^must be a list of 1 to 64 /);
  }
  assert.match(problemsOf(undefined)[0]?.message ?? '', /^is required: must be a list/);
});
