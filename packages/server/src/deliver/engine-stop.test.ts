import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailableError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { DeliveryQueue } from '../store/store.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

/* Stopping, cancelling, and what the engine tells about the present. */

test('stop starts nothing new and waits for what is in the air, and its outcome', async (t) => {
  const { addWebhook, publish, start, pass, receivers, delivery, engine, clock } = await openTestDelivery(t);
  receivers.behave('a.example', () => ({ afterMs: 3_000, result: answered(200) }));
  const webhook = await addWebhook({ max_concurrency: 2 });
  await start();
  const ids = await publish(webhook, 5);
  let stopped = false;
  void engine.stop(8_000).then(() => {
    stopped = true;
  });
  await publish(webhook);
  await pass(2_999);
  assert.equal(stopped, false);
  await pass(1);
  assert.equal(stopped, true);
  assert.equal(receivers.requests.length, 2);
  assert.equal((await delivery(ids[0] ?? '')).state, 'delivered');
  assert.equal((await delivery(ids[2] ?? '')).state, 'pending');
  assert.equal(clock.timers, 0);
});

test('stop gives back after its grace what is not over; it is sent again under the same id', async (t) => {
  const delivery = await openTestDelivery(t);
  const { addWebhook, publish, start, restart, pass, receivers, store } = delivery;
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook();
  await start();
  const [id = ''] = await publish(webhook);
  let stopped = false;
  void delivery.engine.stop(8_000).then(() => {
    stopped = true;
  });
  await pass(7_999);
  assert.equal(stopped, false);
  await pass(1);
  assert.equal(stopped, true);
  // Too late: nobody may write any more.
  receivers.requests[0]?.answer(answered(200));
  await pass();
  assert.deepEqual(await store.listAttempts(webhook.workspaceId, id), []);
  receivers.behave('a.example', () => answered(200));
  await restart();
  assert.deepEqual(receivers.sentTo('a.example'), [id, id]);
  assert.equal(receivers.requests[1]?.body, receivers.requests[0]?.body);
  assert.equal((await delivery.delivery(id)).attempts, 1);
});

test('stop may be called before start, twice, and by two callers that both wait', async (t) => {
  const { addWebhook, publish, start, pass, receivers, engine } = await openTestDelivery(t);
  await engine.stop(1_000);
  const webhook = await addWebhook();
  await start();
  receivers.behave('a.example', () => ({ afterMs: 500, result: answered(200) }));
  await publish(webhook);
  const done: string[] = [];
  void engine.stop(1_000).then(() => done.push('first'));
  void engine.stop(1_000).then(() => done.push('second'));
  await pass(499);
  assert.deepEqual(done, []);
  await pass(1);
  assert.deepEqual(done, ['first', 'second']);
  await engine.stop(1_000);
});

test('start may be called twice', async (t) => {
  const { addWebhook, publish, start, receivers, clock } = await openTestDelivery(t);
  await start();
  await start();
  assert.equal(clock.timers, 1);
  const ids = await publish(await addWebhook(), 2);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('an outcome that the store refuses is tried again until it is written; nothing new starts meanwhile', async (t) => {
  let refusals = 0;
  let full = true;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async settle(settlement) {
      if (!full) return queue.settle(settlement);
      refusals += 1;
      throw new StoreUnavailableError('the disk is full', null);
    },
  });
  const { addWebhook, publish, start, pass, receivers, delivery } = await openTestDelivery(t, { wrap });
  const [a, b] = [await addWebhook(), await addWebhook({ url: 'https://b.example/' })];
  await start();
  const [id = ''] = await publish(a);
  const others = await publish(b, 3);
  await pass(20_000);
  assert.deepEqual(receivers.sentTo('b.example'), []);
  // 100 ms, doubling up to 5 s.
  assert.equal(refusals, 1 + 8);
  full = false;
  await pass(5_000);
  assert.equal((await delivery(id)).state, 'delivered');
  assert.deepEqual([receivers.sentTo('a.example'), receivers.sentTo('b.example')], [[id], others]);
});

test('an outcome that cannot be written for another reason is told, and the delivery is sent again', async (t) => {
  let broken = true;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async settle(settlement) {
      if (broken) throw new Error('constraint failed');
      return queue.settle(settlement);
    },
  });
  const test = await openTestDelivery(t, { wrap, expectsErrors: true });
  const [id = '', other = ''] = await test.addWebhook().then(async (webhook) => {
    await test.start();
    return test.publish(webhook, 2);
  });
  assert.equal(test.errors.length, 2);
  broken = false;
  await test.pass(60_000);
  assert.deepEqual(test.receivers.sentTo('a.example'), [id, other, id, other]);
  assert.equal((await test.delivery(id)).state, 'delivered');
});

test('cancel takes a waiting delivery out, and not one that is in the air', async (t) => {
  const { addWebhook, publish, start, pass, receivers, delivery, engine, commit } = await openTestDelivery(t, {
    limits: { readAhead: 2 },
  });
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook({ max_concurrency: 1 });
  await start();
  const [flying = '', inMemory = '', unread = '', last = ''] = await publish(webhook, 4);
  const cancel = (id: string) => commit(engine.cancel(laneOf(webhook), id));
  assert.equal(await cancel(flying), 'sending');
  assert.equal(await cancel(inMemory), 'cancelled');
  assert.equal(await cancel(unread), 'cancelled');
  assert.equal(await cancel(unread), 'missing');
  assert.equal(await cancel(newId('del')), 'missing');
  const { state, reason } = await delivery(inMemory);
  assert.deepEqual([state, reason], ['cancelled', 'cancelled by request']);
  receivers.behave('a.example', () => answered(200));
  receivers.requests[0]?.answer(answered(200));
  await pass();
  assert.deepEqual(receivers.sentTo('a.example'), [flying, last]);
  assert.equal(await cancel(last), 'missing');
});

test('a retry can be cancelled while it waits for its time', async (t) => {
  const { addWebhook, publish, start, pass, receivers, delivery, engine, commit } = await openTestDelivery(t);
  receivers.behave('a.example', () => answered(500));
  const webhook = await addWebhook();
  await start();
  const [id = ''] = await publish(webhook);
  assert.equal(await commit(engine.cancel(laneOf(webhook), id)), 'cancelled');
  await pass(60_000);
  assert.equal(receivers.requests.length, 1);
  assert.equal((await delivery(id)).attempts, 1);
});

test('what is being cancelled is not started before the cancellation is on disk', async (t) => {
  const { addWebhook, publish, start, pass, receivers, delivery, engine } = await openTestDelivery(t, {
    lingerMs: 2,
    limits: { readAhead: 1 },
  });
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook({ max_concurrency: 1 });
  await start();
  const [flying = '', waiting = '', unread = ''] = await publish(webhook, 3);
  await pass(10);
  receivers.behave('a.example', () => answered(200));
  receivers.requests[0]?.answer(answered(200));
  const cancelling = Promise.all([waiting, unread].map((id) => engine.cancel(laneOf(webhook), id)));
  await pass(10);
  assert.deepEqual(await cancelling, ['cancelled', 'cancelled']);
  assert.deepEqual(receivers.sentTo('a.example'), [flying]);
  for (const id of [waiting, unread]) assert.equal((await delivery(id)).state, 'cancelled');
});

test('a cancellation that the store refuses leaves the delivery owed', async (t) => {
  let full = false;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async cancel(cancellation) {
      if (full) throw new StoreUnavailableError('the disk is full', null);
      return queue.cancel(cancellation);
    },
  });
  const { addWebhook, publish, start, pass, receivers, engine } = await openTestDelivery(t, { wrap });
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook({ max_concurrency: 1 });
  await start();
  const [flying = '', waiting = ''] = await publish(webhook, 2);
  full = true;
  await assert.rejects(engine.cancel(laneOf(webhook), waiting), StoreUnavailableError);
  receivers.behave('a.example', () => answered(200));
  receivers.requests[0]?.answer(answered(200));
  await pass();
  assert.deepEqual(receivers.sentTo('a.example'), [flying, waiting]);
});

test('sendingAmong names what is in the air or being written, and nothing else', async (t) => {
  let write = () => {};
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async settle(settlement) {
      await new Promise<void>((resolve) => {
        write = resolve;
      });
      return queue.settle(settlement);
    },
  });
  const { addWebhook, publish, start, pass, receivers, engine } = await openTestDelivery(t, { wrap });
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook({ max_concurrency: 1 });
  await start();
  const ids = await publish(webhook, 2);
  const lane = laneOf(webhook);
  assert.deepEqual(engine.sendingAmong(lane, [...ids, newId('del')]), [ids[0]]);
  receivers.requests[0]?.answer(answered(200));
  await pass();
  assert.deepEqual(engine.sendingAmong(lane, ids), ids);
  write();
  receivers.requests[1]?.answer(answered(200));
  await pass();
  write();
  await pass();
  assert.deepEqual(engine.sendingAmong(lane, ids), []);
});
