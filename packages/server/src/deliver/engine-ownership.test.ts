import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Destination, Lane } from '../domain/webhook.ts';
import { StoreUnavailableError } from '../errors.ts';
import type { DeliveryQueue, Ownership, OwnershipListener, QueuedDelivery } from '../store/store.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

/** Ownership as the test says it, by webhook. */
function ownershipOf(...webhookIds: string[]) {
  const owned = new Set(webhookIds);
  let listener: OwnershipListener | null = null;
  const isOne = (webhookId: string) => (lane: Lane) => lane.webhookId === webhookId;
  const ownership: Ownership = {
    owns: ({ webhookId }) => owned.has(webhookId),
    onOwnership: (told) => {
      listener = told;
    },
  };
  return {
    ownership,
    /** Without a word, as time does it. */
    lapse: (webhookId: string) => owned.delete(webhookId),
    gain(webhookId: string) {
      owned.add(webhookId);
      listener?.gained(isOne(webhookId));
    },
    lose(webhookId: string): Promise<void> {
      owned.delete(webhookId);
      return listener?.letGo(isOne(webhookId)) ?? Promise.resolve();
    },
  };
}

/** Whether a promise is settled by now. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

test('only lanes that are owned are sent, and others from the moment at which they are gained', async (t) => {
  const { ownership, gain } = ownershipOf();
  const delivery = await openTestDelivery(t, { ownership });
  const { receivers, pass } = delivery;
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const ids = await delivery.publish(webhook, 3);
  await pass(60_000);
  assert.deepEqual(receivers.sentTo('a.example'), []);
  gain(webhook.id);
  await pass();
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('a lane that lapsed starts nothing more, whatever of it waits in memory', async (t) => {
  const { ownership, gain, lapse } = ownershipOf();
  const delivery = await openTestDelivery(t, { ownership });
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => ({ afterMs: 1_000, result: answered(200) }));
  const webhook = await delivery.addWebhook({ max_concurrency: 2 });
  gain(webhook.id);
  await delivery.start();
  const ids = await delivery.publish(webhook, 6);
  assert.deepEqual(receivers.sentTo('a.example'), ids.slice(0, 2));
  lapse(webhook.id);
  await pass(120_000);
  assert.deepEqual(receivers.sentTo('a.example'), ids.slice(0, 2));
  gain(webhook.id);
  await pass(120_000);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('a lane is let go when what was in the air has landed and its outcome is written, and not before', async (t) => {
  const { ownership, gain, lose } = ownershipOf();
  const delivery = await openTestDelivery(t, { ownership });
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => ({ afterMs: 5_000, result: answered(200) }));
  const webhook = await delivery.addWebhook({ max_concurrency: 2 });
  gain(webhook.id);
  await delivery.start();
  const ids = await delivery.publish(webhook, 5);
  const leaving = lose(webhook.id);
  await pass(4_999);
  assert.equal(await isOver(leaving), false);
  await pass(1);
  assert.equal(await isOver(leaving), true);
  const states = await Promise.all(ids.map(async (id) => (await delivery.delivery(id)).state));
  assert.deepEqual(states, ['delivered', 'delivered', 'pending', 'pending', 'pending']);
  await pass(120_000);
  assert.equal(receivers.sentTo('a.example').length, 2);
});

test('a lane without anything in the air is let go at once', async (t) => {
  const { ownership, gain, lose } = ownershipOf();
  const delivery = await openTestDelivery(t, { ownership });
  const webhook = await delivery.addWebhook({ retry_policy: { retry_delay: 60 } });
  delivery.receivers.behave('a.example', () => answered(500));
  gain(webhook.id);
  await delivery.start();
  await delivery.publish(webhook);
  await delivery.pass(10);
  await lose(webhook.id);
  await lose('wh_unknown');
  await delivery.pass(120_000);
  assert.equal(delivery.receivers.sentTo('a.example').length, 1, 'its retry is for the next owner');
});

test('a lane that comes back while something of it is in the air sends that once, and the rest as well', async (t) => {
  const { ownership, gain, lose } = ownershipOf();
  const delivery = await openTestDelivery(t, { ownership });
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => ({ afterMs: 5_000, result: answered(200) }));
  const webhook = await delivery.addWebhook({ max_concurrency: 2 });
  gain(webhook.id);
  await delivery.start();
  const ids = await delivery.publish(webhook, 4);
  const leaving = lose(webhook.id);
  await pass(1_000);
  gain(webhook.id);
  const [late = ''] = await delivery.publish(webhook);
  await pass(3_999);
  assert.equal(receivers.sentTo('a.example').length, 2);
  await pass(1);
  await leaving;
  await pass(60_000);
  assert.deepEqual(receivers.sentTo('a.example'), [...ids, late]);
});

test('what another owner changed meanwhile is read again: nothing of a lane is remembered over its absence', async (t) => {
  const { ownership, gain, lose } = ownershipOf();
  const delivery = await openTestDelivery(t, { ownership });
  const { receivers, pass, store, clock } = delivery;
  const webhook = await delivery.addWebhook();
  gain(webhook.id);
  await delivery.start();
  await delivery.publish(webhook);
  await pass();
  await lose(webhook.id);
  const [id = ''] = await delivery.publish(webhook);
  const loaded = await store.loadLane(laneOf(webhook));
  const [known] = loaded?.destinations.values() ?? [];
  assert.ok(known);
  const query = { lane: laneOf(webhook), class: 0, after: null, dueBy: clock.now(), limit: 1 } as const;
  const [waiting] = await store.readDue(query);
  assert.ok(waiting);
  await delivery.commit(store.settle(toldToWait(waiting, clock.now() + 30_000, known)));
  gain(webhook.id);
  await pass(29_000);
  assert.equal(receivers.sentTo('a.example').length, 1, 'its Retry-After is known');
  await pass(2_000);
  assert.deepEqual(receivers.sentTo('a.example').slice(1), [id]);
});

test('lanes that come while the store cannot be read are looked for again a second later', async (t) => {
  const { ownership, gain } = ownershipOf();
  let isAway = false;
  const sweep = (queue: DeliveryQueue) => () =>
    isAway ? Promise.reject(new StoreUnavailableError('away', undefined)) : queue.sweep();
  const wrap = (queue: DeliveryQueue) => ({ ...queue, sweep: sweep(queue) });
  const delivery = await openTestDelivery(t, { ownership, wrap, expectsErrors: true });
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const ids = await delivery.publish(webhook);
  isAway = true;
  gain(webhook.id);
  await delivery.pass(1_500);
  isAway = false;
  await delivery.pass(1_000);
  assert.deepEqual(delivery.receivers.sentTo('a.example'), ids);
});

test('a lane that waits for its turn when it comes is begun anew, and sends everything once', async (t) => {
  const { ownership, gain } = ownershipOf();
  const delivery = await openTestDelivery(t, { ownership, limits: { maxSending: 1 } });
  const { receivers, pass, engine } = delivery;
  receivers.behave('a.example', () => ({ afterMs: 5_000, result: answered(200) }));
  const busy = await delivery.addWebhook();
  const other = await delivery.addWebhook({ url: 'https://b.example/hook' });
  gain(busy.id);
  await delivery.start();
  await delivery.publish(busy);
  await pass();
  const ids = await delivery.publish(other, 3);
  // As a test does, while nothing else can start.
  await engine.configuredLane(laneOf(other));
  gain(other.id);
  await pass(60_000);
  assert.deepEqual(receivers.sentTo('b.example'), ids);
});

/** What the other owner learned: the receiver asked for a wait. */
function toldToWait(delivery: QueuedDelivery, until: number, known: Destination) {
  const url = 'https://a.example/hook';
  const result = { kind: 'answered', status: 429, headers: [], body: '', truncated: false } as const;
  const exchange = { scheme: 'timestamped', secret: 0, sentAt: delivery.dueAt, durationMs: 1, result } as const;
  const attempt = {
    id: 'att_1',
    number: delivery.attempts + 1,
    startedAt: delivery.dueAt,
    durationMs: 1,
    url,
    route: null,
    webhookVersion: 1,
    outcome: 'retryable',
    reason: 'wait',
    exchanges: [exchange],
  } as const;
  const value = { ...known, notBefore: until };
  return {
    delivery,
    attempt,
    next: { state: 'pending', dueAt: delivery.dueAt + 1 } as const,
    destination: { url, value },
  };
}
