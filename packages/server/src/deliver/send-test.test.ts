import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { NotFoundError } from '../errors.ts';
import { newId } from '../ids.ts';
import { answered } from './fake-send.ts';
import { createTestSender } from './send-test.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

const DATA = { message: 'it works' };

async function openTestSender(t: TestContext) {
  const delivery = await openTestDelivery(t);
  const { store, receivers, clock, commit, engine } = delivery;
  const sendTest = createTestSender({
    engine,
    events: store,
    send: receivers.send,
    clock,
    dataText: JSON.stringify(DATA),
  });
  return { ...delivery, sendTest: (webhook: { workspaceId: string; id: string }) => commit(sendTest(webhook)) };
}

test('sends webhook.test at once, and records event, delivery and attempt', async (t) => {
  const { addWebhook, start, sendTest, receivers, store, delivery, workspaceId, clock } = await openTestSender(t);
  const webhook = await addWebhook();
  await start();
  const outcome = await sendTest(webhook);
  const [request] = receivers.requests;
  assert.equal(outcome.success, true);
  assert.deepEqual([request?.body, request?.deliveryId], [outcome.body, outcome.deliveryId]);
  assert.deepEqual(JSON.parse(outcome.body), {
    event: 'webhook.test',
    timestamp: new Date(clock.now()).toISOString(),
    webhook_id: webhook.id,
    delivery_id: outcome.deliveryId,
    data: DATA,
  });
  const recorded = await delivery(outcome.deliveryId);
  assert.deepEqual(
    [recorded.state, recorded.origin, recorded.eventId, recorded.attempts, recorded.lastStatus],
    ['delivered', 'test', outcome.eventId, 1, 204],
  );
  assert.deepEqual(await store.listAttempts(workspaceId, outcome.deliveryId), [outcome.attempt]);
  const event = await store.getEvent(workspaceId, outcome.eventId);
  assert.deepEqual([event?.type, event?.revision], ['webhook.test', webhook.revision]);
});

test('is thin for a thin webhook', async (t) => {
  const { addWebhook, start, sendTest, receivers, delivery } = await openTestSender(t);
  const webhook = await addWebhook({ payload: 'thin' });
  await start();
  const { body, deliveryId } = await sendTest(webhook);
  assert.deepEqual([JSON.parse(body).data, receivers.requests[0]?.body], [{}, body]);
  assert.equal((await delivery(deliveryId)).payload, 'thin');
});

test('goes past what waits: a full lane, an inactive webhook, a Retry-After', async (t) => {
  const { addWebhook, change, publish, start, sendTest, receivers } = await openTestSender(t);
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook({ max_concurrency: 1 });
  await start();
  await publish(webhook, 3);
  receivers.behave('a.example', () => answered(429, ['retry-after', '3600']));
  assert.equal((await sendTest(webhook)).success, false);
  receivers.behave('a.example', () => answered(200));
  assert.equal((await sendTest(webhook)).success, true);
  const held = await change(webhook, { active: false });
  assert.equal((await sendTest(held)).success, true);
  assert.equal(receivers.requests.length, 4);
});

test('works before the engine has started, and uses the version in force', async (t) => {
  const { addWebhook, change, sendTest, receivers, start } = await openTestSender(t);
  const webhook = await addWebhook();
  await sendTest(webhook);
  await start();
  await change(webhook, { url: 'https://b.example/' });
  await sendTest(webhook);
  assert.deepEqual(
    receivers.requests.map(({ host }) => host),
    ['a.example', 'b.example'],
  );
});

test('a test that fails is recorded as failed, with its reason, and is not retried', async (t) => {
  const { addWebhook, start, sendTest, receivers, delivery, pass } = await openTestSender(t);
  receivers.behave('a.example', () => answered(503));
  const webhook = await addWebhook();
  await start();
  const outcome = await sendTest(webhook);
  await pass(3_600_000);
  assert.equal(outcome.success, false);
  assert.equal(receivers.requests.length, 1);
  const { state, reason, lastStatus } = await delivery(outcome.deliveryId);
  assert.deepEqual([state, reason, lastStatus], ['failed', 'answered 503', 503]);
});

test('what a test learns holds for deliveries, now and after a restart', async (t) => {
  const { addWebhook, publish, start, restart, sendTest, receivers, store } = await openTestSender(t);
  const webhook = await addWebhook();
  await start();
  const refusals = [answered(401), answered(200)];
  receivers.behave('a.example', () => refusals.shift() ?? answered(200));
  assert.equal((await sendTest(webhook)).attempt.exchanges.length, 2);
  assert.equal((await store.loadLane(laneOf(webhook)))?.destinations.get(webhook.config.url)?.scheme, 'body');
  const [id = ''] = await publish(webhook);
  await restart();
  const [other = ''] = await publish(webhook);
  for (const deliveryId of [id, other]) {
    const [attempt] = await store.listAttempts(webhook.workspaceId, deliveryId);
    assert.deepEqual(
      attempt?.exchanges.map(({ scheme }) => scheme),
      ['body'],
    );
  }
});

test('there is no test of a webhook that does not exist, or was deleted', async (t) => {
  const { addWebhook, remove, start, sendTest, receivers, workspaceId } = await openTestSender(t);
  const webhook = await addWebhook();
  await start();
  await remove(webhook);
  await assert.rejects(sendTest(webhook), NotFoundError);
  await assert.rejects(sendTest({ workspaceId, id: newId('wh') }), NotFoundError);
  await assert.rejects(sendTest({ workspaceId: newId('ws'), id: webhook.id }), NotFoundError);
  assert.equal(receivers.requests.length, 0);
});
