import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_FAILED, type EndedDelivery, type RetryFilter, retryFilterMatches } from './retry-filter.ts';

const FAILED: EndedDelivery = {
  webhookId: 'wh_1',
  state: 'failed',
  origin: 'event',
  eventType: 'workflow.failed',
  runId: 'run_1',
  lastStatus: 503,
  createdAt: 1_000,
  finishedAt: 5_000,
};

const matches = (filter: Partial<RetryFilter>, delivery: Partial<EndedDelivery> = {}) =>
  retryFilterMatches({ ...ALL_FAILED, ...filter }, { ...FAILED, ...delivery });

test('without a choice everything that failed is meant, and nothing else', () => {
  assert.equal(matches({}), true);
  assert.equal(matches({}, { runId: null, lastStatus: null, origin: 'replay' }), true);
  for (const state of ['cancelled', 'delivered', 'pending']) assert.equal(matches({}, { state }), false, state);
  assert.equal(matches({ state: 'cancelled' }), false);
  assert.equal(matches({ state: 'cancelled' }, { state: 'cancelled' }), true);
});

test('each field selects, and all of them together', () => {
  const choices: [Partial<RetryFilter>, Partial<EndedDelivery>][] = [
    [{ webhookId: 'wh_1' }, { webhookId: 'wh_2' }],
    [{ eventType: 'workflow.failed' }, { eventType: 'workflow.completed' }],
    [{ runId: 'run_1' }, { runId: null }],
    [{ status: 503 }, { lastStatus: null }],
  ];
  for (const [filter, other] of choices) {
    assert.equal(matches(filter), true, JSON.stringify(filter));
    assert.equal(matches(filter, other), false, JSON.stringify(filter));
  }
  const all: Partial<RetryFilter> = Object.assign({}, ...choices.map(([filter]) => filter));
  assert.equal(matches(all), true);
  for (const [, other] of choices) assert.equal(matches(all, other), false, JSON.stringify(other));
});

test('a range of time has its first instant in it, and not its last', () => {
  for (const [from, to, at] of [
    ['createdFrom', 'createdTo', 1_000],
    ['finishedFrom', 'finishedTo', 5_000],
  ] as const) {
    assert.deepEqual(
      [at - 1, at, at + 1].map((instant) => matches({ [from]: instant })),
      [true, true, false],
      from,
    );
    assert.deepEqual(
      [at - 1, at, at + 1].map((instant) => matches({ [to]: instant })),
      [false, false, true],
      to,
    );
  }
});

test('a test is never tried again', () => {
  assert.equal(matches({}, { origin: 'test' }), false);
});
