import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* What stops a line and lets it go on: a person, a receiver that is gone, and one that is given up. */

const DAY_MS = 86_400_000;

async function holdOf({ store }: TestDelivery, webhook: Parameters<typeof laneOf>[0]) {
  return (await store.loadLane(laneOf(webhook)))?.hold;
}

test('a paused webhook holds what it was owed and what comes in; resumed, all of it flows, in order', async (t) => {
  const delivery = await openTestDelivery(t);
  const { addWebhook, publish, start, pass, receivers, changeHold } = delivery;
  receivers.behave('a.example', () => ({ afterMs: 1000, result: answered(200) }));
  const webhook = await addWebhook({ max_concurrency: 2 });
  await start();
  const before = await publish(webhook, 5);
  await changeHold(webhook, 'pause');
  const meanwhile = await publish(webhook, 5);
  await pass(3_600_000);
  assert.deepEqual(receivers.sentTo('a.example'), before.slice(0, 2), 'what was in the air lands');
  await delivery.restart();
  await pass(3_600_000);
  assert.equal(receivers.requests.length, 2);
  for (const id of meanwhile) assert.equal((await delivery.delivery(id)).attempts, 0);
  await changeHold(webhook, 'resume');
  await pass(10_000);
  assert.deepEqual(receivers.sentTo('a.example'), [...before, ...meanwhile]);
});

test('pausing writes one row, however much waits', async (t) => {
  const delivery = await openTestDelivery(t);
  const webhook = await delivery.addWebhook();
  const ids = await delivery.publish(webhook, 500);
  const before = await Promise.all(ids.map((id) => delivery.delivery(id)));
  await delivery.changeHold(webhook, 'pause');
  assert.deepEqual(await Promise.all(ids.map((id) => delivery.delivery(id))), before);
});

test('a retry that comes due while its webhook is paused costs no attempt', async (t) => {
  const delivery = await openTestDelivery(t);
  delivery.receivers.behave('a.example', () => answered(429));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const [id = ''] = await delivery.publish(webhook);
  await delivery.changeHold(webhook, 'pause');
  await delivery.pass(30 * DAY_MS);
  assert.equal((await delivery.delivery(id)).attempts, 1);
  await delivery.changeHold(webhook, 'resume');
  assert.equal((await delivery.delivery(id)).attempts, 2);
});

test('410 disables the webhook at once; that delivery is held, and its attempt does not count', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, clock } = delivery;
  receivers.behave('a.example', () => answered(410));
  const webhook = await delivery.addWebhook({ max_concurrency: 1, retry_policy: { max_retries: 0 } });
  await delivery.start();
  const gone = { pausedAt: null, disabledAt: clock.now(), disabledReason: 'gone', resumedAt: 0 };
  const [refused = '', ...others] = await delivery.publish(webhook, 3);
  await pass(DAY_MS);
  assert.deepEqual(await holdOf(delivery, webhook), gone);
  assert.deepEqual(receivers.sentTo('a.example'), [refused]);
  const { state, attempts, reason } = await delivery.delivery(refused);
  assert.deepEqual([state, attempts, reason], ['pending', 1, 'answered 410: it is gone']);
  const [record] = await delivery.store.listAttempts(webhook.workspaceId, refused);
  assert.equal(record?.outcome, 'gone');
  const [later = ''] = await delivery.publish(webhook);
  await delivery.restart();
  await pass(DAY_MS);
  assert.equal(receivers.requests.length, 1);
  // The policy allows a single attempt, which is still to be made.
  receivers.behave('a.example', ({ deliveryId }) => answered(deliveryId === refused ? 429 : 200));
  await delivery.changeHold(webhook, 'resume');
  await pass(1_000);
  assert.equal((await delivery.delivery(refused)).state, 'failed');
  for (const id of [...others, later]) assert.equal((await delivery.delivery(id)).state, 'delivered');
});

test('several answers 410 disable it once, also if a person renamed it meanwhile', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => 'hang');
  const webhook = await delivery.addWebhook();
  await delivery.start();
  await delivery.publish(webhook, 3);
  for (const request of receivers.requests) request.answer(answered(410));
  await delivery.change(webhook, { name: 'renamed' });
  await delivery.publish(webhook);
  await pass(10_000);
  assert.equal((await holdOf(delivery, webhook))?.disabledReason, 'gone');
  assert.equal(receivers.requests.length, 3);
});

test('that it is disabled could not be written: nothing is sent before the next sweep finds that out', async (t) => {
  let broken = true;
  const delivery = await openTestDelivery(t, {
    expectsErrors: true,
    wrap: (queue) => ({
      ...queue,
      async settle(settlement) {
        if (broken && settlement.disable !== undefined) throw new Error('no room in this row');
        return queue.settle(settlement);
      },
    }),
  });
  delivery.receivers.behave('a.example', () => answered(410));
  const webhook = await delivery.addWebhook({ max_concurrency: 1 });
  await delivery.start();
  await delivery.publish(webhook, 2);
  await delivery.pass(59_999);
  assert.equal(delivery.receivers.requests.length, 1);
  broken = false;
  await delivery.pass(1);
  assert.equal(delivery.receivers.requests.length, 2);
  assert.equal((await holdOf(delivery, webhook))?.disabledReason, 'gone');
});

test('410 of a URL that the webhook has no more disables nothing: the delivery goes to the new one', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => 'hang');
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const [id = ''] = await delivery.publish(webhook);
  await delivery.change(webhook, { url: 'https://b.example/' });
  receivers.requests[0]?.answer(answered(410));
  await pass(10);
  assert.equal((await holdOf(delivery, webhook))?.disabledAt, null);
  assert.deepEqual(receivers.sentTo('b.example'), [id]);
});

test('a webhook that accepts nothing for five days is disabled, over a restart; a person starts its days anew', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, clock } = delivery;
  receivers.behave('a.example', () => answered(404));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const failEvery = async (ms: number, times: number) => {
    for (let i = 0; i < times; i += 1) {
      await delivery.publish(webhook);
      await pass(ms);
    }
  };
  const since = clock.now();
  await failEvery(DAY_MS / 5, 13);
  await delivery.restart();
  await failEvery(DAY_MS / 5, 12);
  assert.equal((await holdOf(delivery, webhook))?.disabledAt, null, 'five days are over only now');
  await failEvery(1_000, 1);
  const hold = await holdOf(delivery, webhook);
  assert.deepEqual([hold?.disabledAt, hold?.disabledReason], [since + 5 * DAY_MS, 'no_success']);
  const sent = receivers.requests.length;
  await failEvery(1_000, 1);
  assert.equal(receivers.requests.length, sent);
  await delivery.changeHold(webhook, 'resume');
  await pass(1_000);
  assert.equal(receivers.requests.length, sent + 1);
  await failEvery(DAY_MS / 5, 24);
  assert.equal((await holdOf(delivery, webhook))?.disabledAt, null);
});

test('one success in five days keeps it', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  const webhook = await delivery.addWebhook();
  await delivery.start();
  for (let i = 0; i < 60; i += 1) {
    receivers.behave('a.example', () => answered(i % 20 === 10 ? 200 : 404));
    await delivery.publish(webhook);
    await pass(DAY_MS / 5);
  }
  assert.equal((await holdOf(delivery, webhook))?.disabledAt, null);
});

test('probes of an open circuit count as attempts: a receiver that is down for five days is disabled', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => answered(503));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const [id = ''] = await delivery.publish(webhook, 6);
  await pass(5 * DAY_MS - 1);
  assert.equal((await holdOf(delivery, webhook))?.disabledAt, null);
  await pass(600_000);
  assert.equal((await holdOf(delivery, webhook))?.disabledReason, 'no_success');
  assert.equal((await delivery.delivery(id)).state, 'pending', 'held, and not lost');
});

test('a streak that was written with something else is over on disk with the next success', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, store, pass } = delivery;
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const streak = async () => (await store.listDestinations(webhook.workspaceId, webhook.id))[0]?.failing;
  const busy = () => answered(429, ['Retry-After', '10']);
  for (const fail of [() => delivery.publish(webhook), () => delivery.sendTest(webhook)]) {
    receivers.behave('a.example', () => answered(404));
    await delivery.publish(webhook);
    receivers.behave('a.example', busy);
    await fail();
    assert.notEqual(await streak(), null, 'as much as was known then');
    receivers.behave('a.example', () => answered(200));
    await pass(20_000);
    await delivery.publish(webhook);
    assert.equal(await streak(), null);
  }
});
