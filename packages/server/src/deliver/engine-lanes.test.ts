import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryQueue } from '../store/store.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

/* What a change of the webhook does to its line. */

test('an inactive webhook holds what it is owed; once active, all of it flows', async (t) => {
  const { addWebhook, change, publish, start, pass, receivers, delivery, errors } = await openTestDelivery(t);
  receivers.behave('a.example', () => ({ afterMs: 1000, result: answered(200) }));
  const webhook = await addWebhook({ max_concurrency: 2 });
  await start();
  const ids = await publish(webhook, 6);
  const held = await change(webhook, { active: false });
  await pass(600_000);
  assert.equal(receivers.requests.length, 2);
  assert.deepEqual(await Promise.all(ids.map(async (id) => (await delivery(id)).state)), [
    'delivered',
    'delivered',
    'pending',
    'pending',
    'pending',
    'pending',
  ]);
  await change(held, { active: true });
  await pass(2000);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
  assert.deepEqual(errors, []);
});

test('a retry that comes due while its webhook is inactive is sent when it is active again, at the cost of no attempt', async (t) => {
  const { addWebhook, change, publish, start, pass, receivers, delivery } = await openTestDelivery(t);
  receivers.behave('a.example', () => answered(500));
  const webhook = await addWebhook();
  await start();
  const [id = ''] = await publish(webhook);
  const held = await change(webhook, { active: false });
  await pass(30_000);
  assert.equal((await delivery(id)).attempts, 1);
  await change(held, { active: true });
  assert.equal((await delivery(id)).attempts, 2);
});

test('a webhook that is inactive when the engine starts is held, and flows at once when it is active', async (t) => {
  const { addWebhook, change, publish, start, receivers } = await openTestDelivery(t);
  const webhook = await addWebhook({ active: false });
  const ids = await publish(webhook, 3);
  await start();
  assert.equal(receivers.requests.length, 0);
  await change(webhook, { active: true });
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('deleting a webhook cancels at once all that it is owed: new, recovered, and retries of tomorrow', async (t) => {
  const { addWebhook, remove, publish, start, receivers, delivery, store, commit } = await openTestDelivery(t);
  const webhook = await addWebhook({ max_concurrency: 1, retry_policy: { schedule: [86_400] } });
  await start();
  receivers.behave('a.example', () => answered(404));
  const [recovered = ''] = await publish(webhook);
  receivers.behave('a.example', () => answered(500));
  const [retry = ''] = await publish(webhook);
  receivers.behave('a.example', () => 'hang');
  const [flying = '', ...waiting] = await publish(webhook, 1_200);
  await commit(store.requeue(laneOf(webhook), recovered));
  await remove(webhook);
  receivers.requests.at(-1)?.answer(answered(200));
  await commit(Promise.resolve());
  assert.equal((await delivery(flying)).state, 'delivered');
  for (const id of [recovered, retry, ...waiting]) {
    const { state, reason } = await delivery(id);
    assert.deepEqual([state, reason], ['cancelled', 'the webhook was deleted']);
  }
  assert.equal(receivers.requests.length, 3);
});

test('a retry that waits alone is cancelled when its webhook is deleted, not when it would be due', async (t) => {
  const { addWebhook, remove, publish, start, receivers, delivery } = await openTestDelivery(t);
  receivers.behave('a.example', () => answered(500));
  const webhook = await addWebhook({ retry_policy: { schedule: [86_400] } });
  await start();
  const [id = ''] = await publish(webhook);
  await remove(webhook);
  assert.equal((await delivery(id)).state, 'cancelled');
});

test('an attempt that fails after its webhook was deleted is not retried', async (t) => {
  const { addWebhook, remove, publish, start, pass, receivers, delivery } = await openTestDelivery(t);
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook();
  await start();
  const [id = ''] = await publish(webhook);
  await remove(webhook);
  assert.equal((await delivery(id)).state, 'pending');
  receivers.requests[0]?.answer(answered(500));
  await pass();
  const { state, attempts } = await delivery(id);
  assert.deepEqual([state, attempts], ['cancelled', 1]);
});

test('a webhook deleted while the server was down is cancelled at the start', async (t) => {
  const { addWebhook, remove, publish, start, receivers, delivery } = await openTestDelivery(t);
  const webhook = await addWebhook();
  const [id = ''] = await publish(webhook);
  await remove(webhook);
  await start();
  assert.equal((await delivery(id)).state, 'cancelled');
  assert.equal(receivers.requests.length, 0);
});

test('a change that is made while the webhook is being read is not lost', async (t) => {
  let hold: Promise<void> | null = null;
  let loads = 0;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async loadLane(lane) {
      loads += 1;
      const loaded = await queue.loadLane(lane);
      await hold;
      return loaded;
    },
  });
  const { addWebhook, change, publish, start, pass, receivers } = await openTestDelivery(t, { wrap });
  const webhook = await addWebhook();
  await start();
  const held = Promise.withResolvers<void>();
  hold = held.promise;
  await publish(webhook);
  await change(webhook, { url: 'https://b.example/' });
  assert.equal(loads, 1);
  hold = null;
  held.resolve();
  await pass();
  assert.equal(loads, 2);
  assert.deepEqual(
    receivers.requests.map(({ host }) => host),
    ['b.example'],
  );
});

test('a webhook that could not be read is read again a second later; nothing is sent as an older version says', async (t) => {
  let broken = false;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async loadLane(lane) {
      if (broken) throw new Error('cannot be read');
      return queue.loadLane(lane);
    },
  });
  const options = { wrap, expectsErrors: true };
  const { addWebhook, change, publish, start, pass, receivers, errors } = await openTestDelivery(t, options);
  const webhook = await addWebhook();
  await start();
  await publish(webhook);
  broken = true;
  await change(webhook, { url: 'https://b.example/' });
  const [id = ''] = await publish(webhook);
  await pass(999);
  assert.deepEqual(receivers.sentTo('a.example').length, 1);
  assert.ok(errors.length > 0);
  broken = false;
  await pass(1);
  assert.deepEqual(receivers.sentTo('b.example'), [id]);
});
