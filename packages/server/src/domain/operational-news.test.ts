import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalog, isReservedType } from '@broxi/events';
import type { AttemptRecord } from './attempt.ts';
import { isNews, newsOf, type Written } from './operational-news.ts';
import { UNKNOWN_DESTINATION } from './webhook.ts';

const AT = Date.UTC(2026, 0, 15, 10);

const ATTEMPT: AttemptRecord = {
  id: 'att_1',
  number: 4,
  startedAt: AT,
  durationMs: 20,
  route: null,
  url: 'https://receiver.example:8443/hook?token=secret',
  webhookVersion: 1,
  outcome: 'retryable',
  reason: 'timeout: no answer',
  exchanges: [
    {
      scheme: 'timestamped',
      secret: 0,
      sentAt: AT,
      durationMs: 20,
      result: { kind: 'failed', failure: 'timeout', message: 'no answer' },
    },
  ],
};

const OPEN = { state: 'open', since: AT, failedProbes: 0, nextProbeAt: AT + 5_000 } as const;

function told(changes: Partial<Written>, type = 'workflow.started') {
  const delivery = { id: 'del_1', event: { id: 'evt_1', type } };
  const nothing = { next: null, destination: null, disabled: null };
  return newsOf({ webhookId: 'wh_1', delivery, attempt: ATTEMPT, ...nothing, ...changes });
}

test('nearly every outcome tells nothing', () => {
  const known = { before: UNKNOWN_DESTINATION, after: { ...UNKNOWN_DESTINATION, notBefore: 9 } };
  const open = { ...UNKNOWN_DESTINATION, circuit: OPEN };
  assert.deepEqual(told({ next: { state: 'delivered' }, destination: known }), []);
  assert.deepEqual(told({ next: { state: 'pending', dueAt: AT } }), []);
  assert.deepEqual(told({ destination: { before: open, after: open } }), []);
});

test('one may tell several things, and never more of the URL than its origin', () => {
  const after = { ...UNKNOWN_DESTINATION, circuit: OPEN };
  const news = told({
    next: { state: 'failed', reason: 'all 4 attempts used' },
    destination: { before: UNKNOWN_DESTINATION, after },
    disabled: { reason: 'no_success', at: AT },
  });
  assert.deepEqual(
    news.map(({ type }) => type),
    ['delivery.exhausted', 'webhook.circuit.opened', 'webhook.disabled'],
  );
  assert.doesNotMatch(JSON.stringify(news), /secret/);
  assert.doesNotMatch(JSON.stringify(news), /status_code/, 'there was no answer');
  assert.match(JSON.stringify(news), /"destination":"https:\/\/receiver\.example:8443"/);
});

test('what becomes of operational events tells nothing, what becomes of any other does', () => {
  const failed = { next: { state: 'failed', reason: 'gave up' } } as const;
  const news = Object.keys(catalog).filter(isNews);
  assert.equal(news.length, 4);
  assert.ok(news.every(isReservedType));
  for (const type of Object.keys(catalog)) assert.equal(told(failed, type).length, isNews(type) ? 0 : 1, type);
});
