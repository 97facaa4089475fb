import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptRecord, ExchangeResult } from './attempt.ts';
import {
  ALL_FAILED,
  type EndedDelivery,
  failedByOutage,
  lostToOutage,
  type RetryFilter,
  retryFilterMatches,
} from './retry-filter.ts';
import { type Destination, UNKNOWN_DESTINATION } from './webhook.ts';

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

test('an outage is to blame for what was out of retries and failed in a way that its circuit counts', () => {
  const ended = (outcome: AttemptRecord['outcome'], ...results: ExchangeResult[]) => {
    const exchanges = results.map(
      (result) => ({ scheme: 'body', secret: 0, sentAt: 0, durationMs: 0, result }) as const,
    );
    return failedByOutage({ outcome, exchanges });
  };
  const answered = (status: number): ExchangeResult => ({
    kind: 'answered',
    status,
    headers: [],
    body: '',
    truncated: false,
  });
  const late: ExchangeResult = { kind: 'failed', failure: 'timeout', message: '' };
  for (const result of [answered(503), answered(408), late]) assert.equal(ended('retryable', result), true);
  assert.equal(ended('retryable', answered(429)), false);
  assert.equal(ended('retryable', answered(503), answered(429)), false, 'the last exchange counts');
  assert.equal(ended('permanent', answered(503)), false, 'its policy wants no retry');
  assert.equal(ended('retryable'), false);
});

test('an outage ends when its circuit is open no more, and began with the first failure', () => {
  const open = { state: 'open', since: 9_000, failedProbes: 0, nextProbeAt: 14_000 } as const;
  const before = { ...UNKNOWN_DESTINATION, circuit: open };
  const halfOpen = { state: 'half_open', since: 20_000, width: 1, widenAt: 21_000 } as const;
  const after = { ...UNKNOWN_DESTINATION, circuit: halfOpen };
  const url = 'https://a.example/';
  const ended = (from: Destination, to: Destination) => lostToOutage('wh_1', { url, before: from, after: to });
  const lost = { ...ALL_FAILED, webhookId: 'wh_1', byOutage: true, outageOf: url };
  assert.deepEqual(ended(before, after), { ...lost, finishedFrom: 9_000 });
  const failing = { since: 4_000, attempts: 9, days: 1, latestAt: 9_000 };
  assert.deepEqual(ended({ ...before, failing }, after), { ...lost, finishedFrom: 4_000 });
  const late = { ...failing, since: 12_000 };
  assert.deepEqual(ended({ ...before, failing: late }, after), { ...lost, finishedFrom: 9_000 });
  assert.equal(ended(before, before), null, 'a probe failed');
  assert.equal(ended(after, UNKNOWN_DESTINATION), null, 'it was over before');
});
