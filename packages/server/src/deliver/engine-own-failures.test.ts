import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeResult, FailureKind } from '../domain/attempt.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

/* Failures of this side: nobody is charged, and nobody is hammered. */

const failed = (failure: FailureKind): ExchangeResult => ({ kind: 'failed', failure, message: 'as it is' });

test('without a resolver, a route, sockets or a proxy: nothing is charged, opened or disabled, and all of it arrives', async (t) => {
  for (const failure of ['resolver', 'unreachable', 'out_of_sockets', 'proxy'] as const) {
    const delivery = await openTestDelivery(t);
    const { receivers, pass, store } = delivery;
    receivers.behave('a.example', () => failed(failure));
    const webhook = await delivery.addWebhook({ retry_policy: { max_retries: 0 } });
    await delivery.start();
    const ids = await delivery.publish(webhook, 40);
    await pass(7 * 86_400_000);
    const loaded = await store.loadLane(laneOf(webhook));
    assert.deepEqual(loaded?.destinations, new Map());
    assert.equal(loaded?.hold.disabledAt, null);
    receivers.behave('a.example', () => answered(200));
    await pass(600_000);
    for (const id of ids) {
      const { state, attempts } = await delivery.delivery(id);
      assert.equal(state, 'delivered');
      const records = await store.listAttempts(webhook.workspaceId, id);
      assert.equal(records.length, attempts);
      for (const record of records.slice(0, -1)) {
        assert.deepEqual([record.outcome, record.reason], ['own_failure', `${failure}: as it is`]);
      }
    }
  }
});

test('what is tried meanwhile is one delivery at a time, after 1 s and then twice as long, up to a minute', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, clock } = delivery;
  receivers.behave('a.example', () => failed('resolver'));
  const webhook = await delivery.addWebhook({ max_concurrency: 8 });
  const from = clock.now();
  await delivery.publish(webhook, 100);
  await delivery.start();
  await pass(200_000);
  const sent = receivers.requests.map(({ at }) => (at - from) / 1000);
  assert.deepEqual(sent.slice(7), [0, 1, 3, 7, 15, 31, 63, 123, 183], 'eight were in the air at once');
  receivers.behave('a.example', () => answered(200));
  await pass(60_000);
  assert.equal(receivers.sentTo('a.example').length - sent.length, 100, 'then everything goes');
});

test('those that were in the air together are one trouble', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => 'hang');
  const webhook = await delivery.addWebhook({ max_concurrency: 8 });
  await delivery.start();
  await delivery.publish(webhook, 20);
  for (const request of receivers.requests) request.answer(failed('resolver'));
  receivers.behave('a.example', () => answered(200));
  await pass(999);
  assert.equal(receivers.requests.length, 8);
  await pass(1);
  assert.equal(new Set(receivers.sentTo('a.example')).size, 20);
});

test('a failure of our own is no answer of a probe: the circuit stays as it was', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, store } = delivery;
  receivers.behave('a.example', () => answered(503));
  const webhook = await delivery.addWebhook({ max_concurrency: 1 });
  await delivery.start();
  await delivery.publish(webhook, 20);
  const before = (await store.loadLane(laneOf(webhook)))?.destinations.get(webhook.config.url)?.circuit;
  receivers.behave('a.example', () => failed('unreachable'));
  await pass(20_000);
  assert.deepEqual((await store.loadLane(laneOf(webhook)))?.destinations.get(webhook.config.url)?.circuit, before);
  assert.ok(receivers.requests.length > 5 + 2);
});
