import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailableError } from '../errors.ts';
import type { DeliveryQueue } from '../store/store.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

/* How the engine learns what is owed: news, timers, and the sweep behind them. Nothing may be missed or sent twice. */

test('news that comes while the lane is being read counts for the next read', async (t) => {
  let hold: Promise<void> | null = null;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async readDue(query) {
      const read = await queue.readDue(query);
      await hold;
      return read;
    },
  });
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, { wrap });
  const webhook = await addWebhook();
  await start();
  const held = Promise.withResolvers<void>();
  hold = held.promise;
  const ids = [...(await publish(webhook)), ...(await publish(webhook, 2))];
  hold = null;
  held.resolve();
  await pass();
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('a read that fails is tried again a second later', async (t) => {
  let broken = true;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async readDue(query) {
      if (broken) throw new StoreUnavailableError('the disk reports an error', null);
      return queue.readDue(query);
    },
  });
  const { addWebhook, publish, start, pass, receivers, errors } = await openTestDelivery(t, {
    wrap,
    expectsErrors: true,
  });
  const webhook = await addWebhook();
  await start();
  const ids = await publish(webhook, 3);
  broken = false;
  await pass(999);
  assert.equal(receivers.requests.length, 0);
  await pass(1);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
  assert.equal(errors.length, 1);
});

test('the sweep finds what no news told of, within a minute', async (t) => {
  const { addWebhook, publish, start, pass, receivers, store, commit } = await openTestDelivery(t, {
    wrap: (queue) => ({ ...queue, onWake: () => {} }),
  });
  const [a, b] = [await addWebhook(), await addWebhook({ url: 'https://b.example/' })];
  await start();
  const [first = ''] = await publish(a);
  await pass(30_000);
  const [second = ''] = await publish(b);
  await pass(29_999);
  assert.equal(receivers.requests.length, 0);
  await pass(1);
  assert.deepEqual([receivers.sentTo('a.example'), receivers.sentTo('b.example')], [[first], [second]]);
  // Another one for a lane that the engine has in memory, and one that was put back.
  receivers.behave('a.example', () => answered(404));
  await publish(a);
  await pass(60_000);
  const [, failed = ''] = receivers.sentTo('a.example');
  await commit(store.requeue(laneOf(a), failed));
  await pass(60_000);
  assert.deepEqual(receivers.sentTo('a.example'), [first, failed, failed]);
});

test('the sweep also finds what is behind something that hangs', async (t) => {
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, {
    wrap: (queue) => ({ ...queue, onWake: () => {} }),
    limits: { sweepMs: 10_000 },
  });
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook({ timeout: 60 });
  await start();
  const ids = await publish(webhook);
  await pass(10_000);
  ids.push(...(await publish(webhook)));
  await pass(10_000);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
  assert.equal(receivers.inTheAir().now, 2);
});

test('a sweep that fails is repeated a second later, until it succeeds', async (t) => {
  let failures = 2;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    onWake: () => {},
    async sweep() {
      if (failures-- > 0) throw new StoreUnavailableError('the disk reports an error', null);
      return queue.sweep();
    },
  });
  const { addWebhook, publish, start, pass, receivers, errors } = await openTestDelivery(t, {
    wrap,
    expectsErrors: true,
  });
  const ids = await publish(await addWebhook());
  await start();
  await pass(1_900);
  assert.equal(receivers.requests.length, 0);
  await pass(200);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
  assert.equal(errors.length, 2);
});

test('sweeps start nothing twice: not what waits, not what is in the air, not what is being written', async (t) => {
  const written: (() => void)[] = [];
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async settle(settlement) {
      await new Promise<void>((resolve) => written.push(resolve));
      return queue.settle(settlement);
    },
  });
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, { wrap });
  const webhook = await addWebhook({ max_concurrency: 2, timeout: 60 });
  receivers.behave('a.example', () => 'hang');
  await start();
  await pass(30_000);
  const ids = await publish(webhook, 4);
  receivers.requests[0]?.answer(answered(200));
  await pass(40_000);
  // One is being written, two are in the air, one waits; the sweep has been.
  assert.deepEqual(receivers.sentTo('a.example'), ids.slice(0, 3));
  receivers.behave('a.example', () => answered(200));
  for (const request of receivers.requests) request.answer(answered(200));
  await pass(60_000);
  for (const write of written) write();
  await pass(120_000);
  assert.equal(written.length, 4);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('a lane that waits for its turn while the sweep comes by stays one lane', async (t) => {
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, { limits: { maxSending: 1 } });
  const hung = await addWebhook({ url: 'https://hung.example/', timeout: 60 });
  const webhook = await addWebhook({ max_concurrency: 1 });
  receivers.behave('hung.example', () => 'hang');
  receivers.behave('a.example', () => ({ afterMs: 10, result: answered(200) }));
  await start();
  await pass(30_000);
  await publish(hung);
  const ids = await publish(webhook, 5);
  await pass(40_000);
  assert.deepEqual(receivers.sentTo('a.example'), []);
  await pass(20_000 + 100);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('two lanes of one webhook never come to be, however long the store is stuck', async (t) => {
  let full = false;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async settle(settlement) {
      if (full) throw new StoreUnavailableError('the disk is full', null);
      return queue.settle(settlement);
    },
  });
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, { wrap });
  const [a, b] = [await addWebhook({ max_concurrency: 1 }), await addWebhook({ url: 'https://b.example/' })];
  await start();
  full = true;
  await publish(b);
  receivers.behave('a.example', () => ({ afterMs: 10, result: answered(200) }));
  const ids = await publish(a, 4);
  await pass(130_000);
  full = false;
  await pass(10_000);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
  assert.equal(receivers.inTheAir('a.example').most, 1);
});

test('what is put back is sent at once, in whatever order and however the wall clock goes', async (t) => {
  const delivery = await openTestDelivery(t, { lingerMs: 2 });
  const { addWebhook, publish, start, pass, receivers, store, commit, clock } = delivery;
  const webhook = await addWebhook();
  await start();
  receivers.behave('a.example', () => answered(404));
  const ids = await publish(webhook, 6);
  receivers.behave('a.example', () => answered(200));
  clock.jump(-3_600_000);
  for (const id of ids.toReversed()) await commit(store.requeue(laneOf(webhook), id));
  await pass(10);
  assert.deepEqual(receivers.sentTo('a.example').slice(6), ids.toReversed());
});

test('a retry is sent although the wall clock was set back; one that is due early waits for it', async (t) => {
  const { addWebhook, publish, start, pass, receivers, clock } = await openTestDelivery(t);
  receivers.behave('a.example', () => answered(500));
  const webhook = await addWebhook({ retry_policy: { schedule: [10, 10], jitter: 0 } });
  await start();
  await publish(webhook);
  clock.jump(-5_000);
  await pass(10_000);
  assert.equal(receivers.requests.length, 1);
  await pass(5_000);
  assert.equal(receivers.requests.length, 2);
  clock.jump(-3_600_000);
  await pass(3_600_000 + 70_000);
  assert.equal(receivers.requests.length, 3);
});

test('everything that was owed when the process died is sent after the start, each once', async (t) => {
  const { addWebhook, publish, start, restart, pass, receivers, delivery } = await openTestDelivery(t, {
    limits: { readAhead: 8 },
  });
  const webhooks = [];
  for (const name of ['a', 'b', 'c']) webhooks.push(await addWebhook({ url: `https://${name}.example/` }));
  for (const name of ['a', 'b', 'c']) receivers.behave(`${name}.example`, () => 'hang');
  await start();
  const ids = await publish(webhooks, 30);
  receivers.requests[0]?.answer(answered(500));
  await pass();
  const before = receivers.requests.length;
  for (const name of ['a', 'b', 'c']) receivers.behave(`${name}.example`, () => answered(200));
  await restart();
  await pass(5_000);
  const sent = receivers.requests.slice(before).map(({ deliveryId }) => deliveryId);
  assert.deepEqual(sent.toSorted(), ids.toSorted());
  for (const id of ids) assert.equal((await delivery(id)).state, 'delivered');
});
