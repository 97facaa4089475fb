import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verify } from '@broxi/receiver';
import fc from 'fast-check';
import type { PayloadKind } from '../domain/delivery.ts';
import { newId } from '../ids.ts';
import { createRequestTemplate, traceparent } from './build-request.ts';
import { TEST_SECRET, TEST_TEMPLATE, testWebhook } from './test-delivery.ts';

const SENT_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const webhook = testWebhook({ headers: { 'X-Own': 'Grüße', Authorization: 'Bearer t' } });

function deliveryOf(data: unknown = { workflow_id: 'wf', cost: 0.1 }) {
  return {
    id: newId('del'),
    payload: 'full' as PayloadKind,
    event: {
      id: newId('evt'),
      type: 'workflow.completed',
      occurredAt: Date.UTC(2026, 0, 2),
      dataText: JSON.stringify(data),
    },
  };
}

/** One exchange of a delivery: what would be sent. */
function build(options: { headerPrefix?: string; scheme?: 'timestamped' | 'body'; data?: unknown } = {}) {
  const { headerPrefix = 'X-Broxi-', scheme = 'timestamped' } = options;
  const template = createRequestTemplate(webhook, { ...TEST_TEMPLATE, headerPrefix });
  const delivery = deliveryOf(options.data);
  const body = template.body(delivery);
  const flat = template.headers({ delivery, body, attempt: 3, scheme, sentAt: SENT_AT });
  const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as const] : []));
  return { template, delivery, body, pairs, headers: Object.fromEntries(pairs) };
}

test('sends exactly these headers, in this order', () => {
  const { pairs, delivery } = build();
  const seconds = String(Math.floor(SENT_AT / 1000));
  const [signature, standard] = ['x-broxi-signature', 'webhook-signature'].map((name) => new Map(pairs).get(name));
  assert.match(signature ?? '', /^[0-9a-f]{64}$/);
  assert.match(standard ?? '', /^v1,[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(pairs, [
    ['content-type', 'application/json'],
    ['user-agent', 'Broxi-Webhooks/1.2.3'],
    ['x-broxi-event', 'workflow.completed'],
    ['x-broxi-event-id', delivery.event.id],
    ['x-broxi-webhook-id', webhook.id],
    ['x-broxi-delivery-id', delivery.id],
    ['x-broxi-attempt', '3'],
    ['traceparent', traceparent(delivery.event.id, delivery.id)],
    ['x-broxi-timestamp', seconds],
    ['x-broxi-signature', signature],
    ['webhook-id', delivery.id],
    ['webhook-timestamp', seconds],
    ['webhook-signature', standard],
    ['X-Own', 'Grüße'],
    ['Authorization', 'Bearer t'],
  ]);
});

test('another deployment’s prefix stands before all of its own names', async () => {
  const { headers, body } = build({ headerPrefix: 'X-Acme-' });
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  assert.equal(names.filter((name) => name.startsWith('x-acme-')).length, 7);
  assert.ok(!names.some((name) => name.includes('broxi')));
  const verified = await verify({ body, headers, secret: TEST_SECRET, headerPrefix: 'X-Acme-', now: () => SENT_AT });
  assert.ok(verified.ok);
});

test('a receiver of either scheme verifies it, also from the parsed and re-serialised body', async () => {
  for (const scheme of ['timestamped', 'body'] as const) {
    const { headers, body, delivery } = build({ scheme });
    for (const accept of [scheme, 'standard'] as const) {
      const rewritten = JSON.stringify(JSON.parse(body));
      const verified = await verify({
        body: rewritten,
        headers,
        secret: TEST_SECRET,
        accept: [accept],
        now: () => SENT_AT,
      });
      assert.ok(verified.ok, accept);
      assert.deepEqual([verified.deliveryId, verified.event], [delivery.id, 'workflow.completed']);
    }
    const other = scheme === 'body' ? 'timestamped' : 'body';
    const refused = await verify({ body, headers, secret: TEST_SECRET, accept: [other], now: () => SENT_AT });
    assert.equal(refused.ok, false);
  }
});

test('any data makes a body that survives parsing and writing, with its keys in order, and verifies', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }), async (data) => {
      const { body, headers, delivery } = build({ data });
      assert.equal(JSON.stringify(JSON.parse(body)), body);
      assert.deepEqual(Object.keys(JSON.parse(body)), ['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
      assert.deepEqual(JSON.parse(body), {
        event: 'workflow.completed',
        timestamp: '2026-01-02T00:00:00.000Z',
        webhook_id: webhook.id,
        delivery_id: delivery.id,
        data: JSON.parse(JSON.stringify(data)),
      });
      const bytes = new TextEncoder().encode(body);
      const verified = await verify({ body: bytes, headers, secret: TEST_SECRET, now: () => SENT_AT });
      assert.ok(verified.ok);
    }),
    { numRuns: 300 },
  );
});

test('the body depends on the delivery alone; the signature on the exchange', () => {
  const { template, delivery, body } = build();
  assert.equal(template.body(delivery), body);
  const sign = (sentAt: number, scheme: 'timestamped' | 'body') => {
    const flat = template.headers({ delivery, body, attempt: 1, scheme, sentAt });
    return flat[flat.indexOf('x-broxi-signature') + 1];
  };
  assert.equal(sign(SENT_AT, 'timestamped'), sign(SENT_AT + 321, 'timestamped'), 'the same second');
  assert.notEqual(sign(SENT_AT, 'timestamped'), sign(SENT_AT + 1000, 'timestamped'));
  assert.equal(sign(SENT_AT, 'body'), sign(SENT_AT + 1000, 'body'));
});

test('traceparent is one trace for an event, and one span for a delivery', () => {
  const [event, one, two] = [newId('evt'), newId('del'), newId('del')];
  const [a, b] = [traceparent(event, one), traceparent(event, two)];
  for (const value of [a, b]) {
    assert.match(value, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.doesNotMatch(value, /-0+-/);
    assert.equal(value.split('-')[1], event.slice(4));
  }
  assert.notEqual(a, b);
});

test('the URL is kept with path and query', () => {
  const url = 'https://example.com:8443/a%20b/?x=1&y=%C3%A4';
  assert.equal(createRequestTemplate(testWebhook({ url }), TEST_TEMPLATE).url.href, url);
});

test('a thin body carries identifiers only, and is what is signed', async () => {
  const template = createRequestTemplate(webhook, TEST_TEMPLATE);
  const delivery = { ...deliveryOf({ workflow_id: 'wf', cost: 0.1 }), payload: 'thin' as const };
  const body = template.body(delivery);
  assert.deepEqual(JSON.parse(body).data, { workflow_id: 'wf' });
  const flat = template.headers({ delivery, body, attempt: 1, scheme: 'timestamped', sentAt: SENT_AT });
  const headers = Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
  const verified = await verify({ body, headers, secret: TEST_SECRET, now: () => SENT_AT });
  assert.equal(verified.ok, true);
});
