import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeResult } from '../domain/attempt.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* When a delivery is tried again, and when its receiver is left alone. */

const BUSY = (seconds: number | string) => answered(429, ['Retry-After', String(seconds)]);

/** Seconds from now at which each request to a host was sent. */
function sentAfter({ receivers }: TestDelivery, from: number, host = 'a.example'): number[] {
  return receivers.requests.filter((request) => request.host === host).map(({ at }) => (at - from) / 1000);
}

test('retries at the instants of the policy, under one id with the same bytes, and then gives up', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass } = delivery;
  receivers.behave('a.example', () => answered(503));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const from = clock.now();
  const [id = ''] = await delivery.publish(webhook);
  assert.deepEqual(await dueIn(delivery, id), 5000);
  await pass(3_600_000);
  assert.deepEqual(sentAfter(delivery, from), [0, 5, 15, 35]);
  assert.deepEqual(new Set(receivers.sentTo('a.example')), new Set([id]));
  assert.equal(new Set(receivers.requests.map(({ body }) => body)).size, 1);
  assert.deepEqual(
    receivers.requests.map(({ headers }) => headers['x-broxi-attempt']),
    ['1', '2', '3', '4'],
  );
  const { state, reason, attempts } = await delivery.delivery(id);
  assert.deepEqual([state, reason, attempts], ['failed', 'answered 503; all 4 attempts used', 4]);
  const records = await delivery.store.listAttempts(webhook.workspaceId, id);
  assert.deepEqual(
    records.map(({ number, outcome, startedAt }) => [number, outcome, (startedAt - from) / 1000]),
    [
      [1, 'retryable', 0],
      [2, 'retryable', 5],
      [3, 'retryable', 15],
      [4, 'retryable', 35],
    ],
  );
});

test('a thin delivery keeps its bytes over retries, changes of its webhook and restarts', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => answered(503));
  const webhook = await delivery.addWebhook({ payload: 'thin' });
  await delivery.start();
  await delivery.publish(webhook, 1, { workflow_id: 'wf', output: 'secret' });
  const changed = await delivery.change(webhook, { payload: 'full' });
  await pass(6_000);
  await delivery.restart();
  await pass(3_600_000);
  const [body = ''] = new Set(receivers.requests.map((request) => request.body));
  assert.deepEqual([receivers.requests.length, JSON.parse(body).data], [4, { workflow_id: 'wf' }]);
  assert.equal(new Set(receivers.requests.map((request) => request.body)).size, 1);
  await delivery.publish(changed, 1, { workflow_id: 'wf', output: 'told' });
  await pass();
  assert.deepEqual(JSON.parse(receivers.requests.at(-1)?.body ?? '').data, { workflow_id: 'wf', output: 'told' });
});

test('the delay counts from the end of the attempt, and jitter moves it either way', async (t) => {
  for (const [random, seconds] of [
    [0, 2 + 4.5],
    [0.5, 2 + 5],
    [0.999_999, 2 + 5.5],
  ] as const) {
    const delivery = await openTestDelivery(t, { random: () => random });
    delivery.receivers.behave('a.example', () => ({ afterMs: 2000, result: answered(500) }));
    await delivery.start();
    const from = delivery.clock.now();
    await delivery.publish(await delivery.addWebhook());
    await delivery.pass(10_000);
    assert.deepEqual(sentAfter(delivery, from), [0, seconds]);
  }
});

test('what is not worth a retry fails at once', async (t) => {
  const refused: ExchangeResult = { kind: 'failed', failure: 'address_refused', message: '10.0.0.1 is private' };
  for (const [result, reason] of [
    [answered(404), 'answered 404'],
    [answered(301), 'answered 301: redirects are never followed'],
    [refused, 'address_refused: 10.0.0.1 is private'],
  ] as const) {
    const delivery = await openTestDelivery(t);
    delivery.receivers.behave('a.example', () => result);
    await delivery.start();
    const [id = ''] = await delivery.publish(await delivery.addWebhook());
    await delivery.pass(3_600_000);
    assert.equal(delivery.receivers.requests.length, 1);
    assert.deepEqual([(await delivery.delivery(id)).state, (await delivery.delivery(id)).reason], ['failed', reason]);
  }
});

test('a manual retry has a fresh schedule, and attempt numbers go on', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass, store, commit } = delivery;
  receivers.behave('a.example', () => answered(500));
  const webhook = await delivery.addWebhook({ retry_policy: { max_retries: 1, retry_delay: 7 } });
  await delivery.start();
  const [id = ''] = await delivery.publish(webhook);
  await pass(60_000);
  const from = clock.now();
  assert.equal(await commit(store.requeue(laneOf(webhook), id)), true);
  await pass(60_000);
  assert.deepEqual(sentAfter(delivery, from).slice(2), [0, 7]);
  assert.deepEqual(
    receivers.requests.map(({ headers }) => headers['x-broxi-attempt']),
    ['1', '2', '3', '4'],
  );
  assert.equal((await delivery.delivery(id)).reason, 'answered 500; all 2 attempts used');
});

test('a retry uses the version of the webhook that is in force then', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => answered(500));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const [id = ''] = await delivery.publish(webhook);
  await delivery.change(webhook, { url: 'https://b.example/', headers: { 'X-Own': 'v2' } });
  await pass(5_000);
  assert.deepEqual(receivers.sentTo('b.example'), [id]);
  assert.equal(receivers.requests[1]?.headers['X-Own'], 'v2');
  const records = await delivery.store.listAttempts(webhook.workspaceId, id);
  assert.deepEqual(
    records.map(({ url, webhookVersion }) => [url, webhookVersion]),
    [
      ['https://a.example/hook', 1],
      ['https://b.example/', 2],
    ],
  );
});

test('Retry-After holds the whole destination, and no other one', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass } = delivery;
  const [a, b] = [await delivery.addWebhook(), await delivery.addWebhook({ url: 'https://b.example/' })];
  await delivery.start();
  const from = clock.now();
  receivers.behave('a.example', () => BUSY(60));
  const [first = ''] = await delivery.publish(a);
  receivers.behave('a.example', () => answered(200));
  const later = await delivery.publish([a, b], 3);
  assert.equal(receivers.sentTo('b.example').length, 3);
  await pass(59_999);
  assert.deepEqual(sentAfter(delivery, from), [0]);
  await pass(1);
  assert.deepEqual(sentAfter(delivery, from), [0, 60, 60, 60, 60]);
  for (const id of [first, ...later]) assert.equal((await delivery.delivery(id)).state, 'delivered');
});

test('Retry-After never brings a retry forward, and counts up to a day', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass } = delivery;
  const asked: (number | string)[] = [1, new Date(clock.now() + 305_000).toUTCString(), 10 * 86_400];
  receivers.behave('a.example', () => BUSY(asked.shift() ?? 0));
  await delivery.start();
  const from = clock.now();
  await delivery.publish(await delivery.addWebhook());
  await pass(2 * 86_400_000);
  assert.deepEqual(sentAfter(delivery, from), [0, 5, 305, 305 + 86_400]);
});

test('Retry-After outlasts the process', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass } = delivery;
  receivers.behave('a.example', () => BUSY(60));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const from = clock.now();
  await delivery.publish(webhook);
  receivers.behave('a.example', () => answered(200));
  await delivery.restart();
  await delivery.publish(webhook);
  await pass(59_999);
  assert.deepEqual(sentAfter(delivery, from), [0]);
  await pass(1);
  assert.deepEqual(sentAfter(delivery, from), [0, 60, 60]);
});

test('what lands after a Retry-After does not lift it', async (t) => {
  for (const late of [answered(200), BUSY(1), answered(500)]) {
    const delivery = await openTestDelivery(t);
    const { receivers, clock, pass } = delivery;
    receivers.behave('a.example', () => 'hang');
    const webhook = await delivery.addWebhook();
    await delivery.start();
    const from = clock.now();
    await delivery.publish(webhook, 2);
    const [one, other] = receivers.requests;
    receivers.behave('a.example', () => answered(200));
    one?.answer(BUSY(600));
    await pass(1_000);
    other?.answer(late);
    await delivery.publish(webhook);
    await pass(598_999);
    assert.deepEqual(sentAfter(delivery, from), [0, 0], JSON.stringify(late));
    // Also for whoever takes the lane over.
    await delivery.restart();
    assert.deepEqual(sentAfter(delivery, from), [0, 0]);
    await pass(1);
    assert.ok(sentAfter(delivery, from).includes(600));
  }
});

test('what an old URL or secret taught says nothing about the new one', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => 'hang');
  const webhook = await delivery.addWebhook();
  await delivery.start();
  await delivery.publish(webhook);
  await delivery.change(webhook, { url: 'https://b.example/' });
  receivers.requests[0]?.answer(BUSY(3600));
  await pass();
  const [id = ''] = await delivery.publish(webhook);
  assert.deepEqual(receivers.sentTo('b.example'), [id]);
});

test('a change that leaves the URL alone keeps what was learned, also what is not on disk yet', async (t) => {
  let write = () => {};
  const delivery = await openTestDelivery(t, {
    wrap: (queue) => ({
      ...queue,
      async settle(settlement) {
        await new Promise<void>((resolve) => {
          write = resolve;
        });
        return queue.settle(settlement);
      },
    }),
  });
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => BUSY(60));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  await delivery.publish(webhook);
  await delivery.change(webhook, { name: 'renamed' });
  await delivery.publish(webhook);
  receivers.behave('a.example', () => answered(200));
  write();
  await pass(59_999);
  assert.equal(receivers.requests.length, 1);
  await pass(1);
  assert.equal(receivers.requests.length, 3);
});

async function dueIn({ delivery, clock }: TestDelivery, id: string): Promise<number | null> {
  const { dueAt } = await delivery(id);
  return dueAt && dueAt - clock.now();
}
