import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verify } from '@broxi/receiver';
import type { ExchangeResult } from '../domain/attempt.ts';
import { deriveRetryPolicy } from '../domain/retry-policy.ts';
import { type Destination, UNKNOWN_DESTINATION } from '../domain/webhook.ts';
import { newId } from '../ids.ts';
import { createFakeClock } from '../test/fake-clock.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { createRequestTemplate } from './build-request.ts';
import { answered } from './fake-send.ts';
import type { OutgoingRequest } from './send-request.ts';
import { TEST_SECRET, TEST_TEMPLATE, testWebhook } from './test-delivery.ts';

const DAY_MS = 86_400_000;
const FAILED: ExchangeResult = { kind: 'failed', failure: 'connection_reset', message: 'closed' };
const TIMING = { dnsMs: 3, connectMs: 5, tlsMs: null, firstByteMs: 20 };
type Learnt = 'body' | 'timestamped' | null;

/** Attempts one delivery at a receiver that answers in turn, each `latencyMs` after it was asked. */
async function attempt(
  answers: readonly ExchangeResult[],
  options: {
    config?: object;
    known?: Partial<Destination>;
    latencyMs?: number;
    attempts?: number;
    offerFirst?: 'body' | 'timestamped';
    anotherExchange?: (deadline: number) => Promise<boolean>;
  } = {},
) {
  const { latencyMs = 40, attempts = 0 } = options;
  const clock = createFakeClock();
  const webhook = { ...testWebhook({ ...options.config }), version: 7 };
  const destination = { ...UNKNOWN_DESTINATION, ...options.known };
  const requests: (OutgoingRequest & { at: number })[] = [];
  const delivery = {
    id: newId('del'),
    attempts,
    payload: 'full' as const,
    event: { id: newId('evt'), type: 'workflow.started', occurredAt: clock.now(), dataText: '{"a":1}' },
  };
  const startedAt = clock.now();
  const running = attemptDelivery(
    {
      delivery,
      webhook,
      template: createRequestTemplate(webhook, TEST_TEMPLATE),
      policy: deriveRetryPolicy(webhook.config.retry_policy),
      destination,
      offerFirst: options.offerFirst ?? null,
      anotherExchange: options.anotherExchange ?? (async () => true),
    },
    {
      clock,
      send: (request) =>
        new Promise((resolve) => {
          requests.push({ ...request, at: clock.now() });
          const result = answers[requests.length - 1] ?? FAILED;
          clock.after(latencyMs, () => resolve({ result, timing: TIMING }));
        }),
    },
  );
  await clock.advance(60_000);
  const result = await running;
  return { ...result, requests, webhook, delivery, startedAt, schemes: await Promise.all(requests.map(schemeOf)) };
}

/** Which text a request signs, as its receiver finds out. */
async function schemeOf({ headers, body, at }: OutgoingRequest & { at: number }): Promise<string> {
  const byName = Object.fromEntries(headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : [])));
  const accept = ['timestamped', 'body'] as const;
  const verified = await verify({
    body,
    headers: byName,
    secret: TEST_SECRET,
    accept,
    now: () => at,
    toleranceSeconds: 0,
  });
  return verified.ok ? verified.scheme : verified.reason;
}

test('one exchange that succeeds: what is recorded', async () => {
  const answer: ExchangeResult = { kind: 'answered', status: 201, headers: ['A', 'b'], body: 'ok', truncated: false };
  const { record, outcome, startedAt, webhook, delivery, requests } = await attempt([answer], { attempts: 4 });
  assert.deepEqual(outcome, { kind: 'delivered' });
  assert.match(record.id, /^att_[0-9a-f]{32}$/);
  assert.deepEqual(record, {
    id: record.id,
    number: 5,
    startedAt,
    durationMs: 40,
    url: 'https://a.example/hook',
    route: null,
    webhookVersion: 7,
    outcome: 'delivered',
    reason: null,
    exchanges: [
      { scheme: 'timestamped', secret: 0, sentAt: startedAt, durationMs: 40, timing: TIMING, result: answer },
    ],
  });
  const [request] = requests;
  assert.equal(request?.url.href, webhook.config.url);
  assert.equal(request?.headers[request.headers.indexOf('x-broxi-attempt') + 1], '5');
  assert.equal(JSON.parse(request?.body ?? '').delivery_id, delivery.id);
});

test('auto signs with the time, and where that is refused, at once the body alone', async () => {
  for (const status of [400, 401, 403]) {
    const { record, outcome, learned, requests, schemes, startedAt } = await attempt([answered(status), answered(200)]);
    assert.deepEqual(outcome, { kind: 'delivered' });
    assert.deepEqual(schemes, ['timestamped', 'body']);
    assert.deepEqual(
      record.exchanges.map(({ scheme, sentAt, durationMs, result }) => ({
        scheme,
        afterMs: sentAt - startedAt,
        durationMs,
        status: result.kind === 'answered' && result.status,
      })),
      [
        { scheme: 'timestamped', afterMs: 0, durationMs: 40, status },
        { scheme: 'body', afterMs: 40, durationMs: 40, status: 200 },
      ],
    );
    assert.deepEqual([record.number, record.durationMs], [1, 80]);
    assert.deepEqual(learned, { scheme: 'body', schemeLearnedAt: startedAt + 80 });
    assert.equal(requests[0]?.body, requests[1]?.body);
    assert.equal(requests[0]?.deadline, requests[1]?.deadline);
  }
});

test('any other answer ends the attempt, whatever comes after it', async () => {
  for (const result of [...[200, 302, 402, 404, 408, 410, 429, 500].map((status) => answered(status)), FAILED]) {
    assert.deepEqual((await attempt([result])).schemes, ['timestamped'], JSON.stringify(result));
  }
});

test('a receiver that refuses both is asked twice, and the last answer counts', async () => {
  const { record, outcome, learned, schemes } = await attempt([answered(401), answered(403)]);
  assert.deepEqual(schemes, ['timestamped', 'body']);
  assert.deepEqual(outcome, { kind: 'permanent', reason: 'answered 403' });
  assert.deepEqual([record.outcome, record.reason, learned], ['permanent', 'answered 403', null]);
  const retried = await attempt([answered(401), answered(503)]);
  assert.deepEqual(retried.outcome, { kind: 'retryable', reason: 'answered 503', retryAfterMs: null });
});

test('explicit schemes send exactly one, and learn nothing', async () => {
  for (const scheme of ['timestamped', 'body'] as const) {
    for (const status of [200, 401]) {
      const config = { signature_scheme: scheme };
      const { schemes, learned } = await attempt([answered(status), answered(200)], { config });
      assert.deepEqual(schemes, [scheme]);
      assert.equal(learned, null);
    }
  }
});

test('what the receiver took last comes first; once a day the safer text does', async () => {
  const now = createFakeClock().now();
  const at = (scheme: Learnt, ageMs: number) => ({ scheme, schemeLearnedAt: scheme === null ? 0 : now - ageMs });
  const cases: [Partial<Destination>, number[], string[], Learnt][] = [
    [at(null, 0), [200], ['timestamped'], 'timestamped'],
    [at('timestamped', 5 * DAY_MS), [200], ['timestamped'], null],
    [at('timestamped', 0), [401, 200], ['timestamped', 'body'], 'body'],
    [at('body', 0), [200], ['body'], null],
    [at('body', DAY_MS - 1000), [200], ['body'], null],
    [at('body', 0), [401, 200], ['body', 'timestamped'], 'timestamped'],
    [at('body', DAY_MS), [200], ['timestamped'], 'timestamped'],
    // Offered and refused again: the day begins anew.
    [at('body', DAY_MS), [400, 200], ['timestamped', 'body'], 'body'],
    [at('body', DAY_MS), [400, 500], ['timestamped', 'body'], null],
  ];
  for (const [known, statuses, schemes, learnt] of cases) {
    const result = await attempt(
      statuses.map((status) => answered(status)),
      { known },
    );
    const name = JSON.stringify([known, statuses]);
    assert.deepEqual(result.schemes, schemes, name);
    const expected = learnt && { scheme: learnt, schemeLearnedAt: result.startedAt + 40 * statuses.length };
    assert.deepEqual(result.learned, expected, name);
  }
});

test('each exchange has the time of its own sending', async () => {
  const { requests, schemes, record } = await attempt([answered(401), answered(200)], { latencyMs: 2500 });
  const stamps = requests.map(({ headers }) => Number(headers[headers.indexOf('x-broxi-timestamp') + 1]));
  assert.equal((stamps[1] ?? 0) - (stamps[0] ?? 0), 2);
  assert.deepEqual(schemes, ['timestamped', 'body']);
  assert.equal(record.durationMs, 5000);
});

test('the deadline is the webhook’s timeout, counted once for all exchanges', async () => {
  for (const timeout of [1, 30, 60]) {
    const { requests } = await attempt([answered(401), answered(200)], { config: { timeout } });
    assert.deepEqual(
      requests.map(({ deadline }) => deadline),
      [timeout * 1000, timeout * 1000],
    );
  }
});

test('an exchange after the first one waits for its turn; one that has none leaves the other text to the retry', async () => {
  const deadlines: number[] = [];
  const refused = await attempt([answered(401), answered(200)], {
    anotherExchange: async (deadline) => {
      deadlines.push(deadline);
      return false;
    },
  });
  assert.deepEqual(deadlines, [30_000]);
  assert.deepEqual([refused.schemes, refused.offerNext, refused.learned], [['timestamped'], 'body', null]);
  const reason = 'answered 401; the rate limit left no time to offer the other signature';
  assert.deepEqual(refused.outcome, { kind: 'retryable', reason, retryAfterMs: null });
  const next = await attempt([answered(401), answered(200)], { offerFirst: 'body' });
  assert.deepEqual([next.schemes, next.offerNext], [['body', 'timestamped'], null]);
  const single = { config: { signature_scheme: 'timestamped' }, offerFirst: 'body' } as const;
  assert.deepEqual((await attempt([answered(200)], single)).schemes, ['timestamped']);
});

test('Retry-After on 429 and 503 says from when on the destination may be asked again', async () => {
  const asked = (status: number, value: string) => attempt([answered(status, ['retry-after', value])]);
  for (const status of [429, 503]) {
    const { learned, startedAt, outcome } = await asked(status, '120');
    assert.deepEqual(learned, { notBefore: startedAt + 40 + 120_000 });
    assert.deepEqual(outcome, { kind: 'retryable', reason: `answered ${status}`, retryAfterMs: 120_000 });
  }
  assert.equal((await asked(500, '120')).learned, null);
  assert.equal((await asked(429, 'soon')).learned, null);
});

test('a failure is recorded in words', async () => {
  const { record, outcome } = await attempt([FAILED]);
  assert.deepEqual(outcome, { kind: 'retryable', reason: 'connection_reset: closed', retryAfterMs: null });
  assert.deepEqual([record.outcome, record.reason], ['retryable', 'connection_reset: closed']);
});
