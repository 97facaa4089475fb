import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered } from './fake-send.ts';
import { openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* What the platform says about webhooks and deliveries themselves, from the outcome to the receiver that asked for it. */

const DAY_MS = 86_400_000;
const NEWS = ['webhook.disabled', 'webhook.circuit.opened', 'webhook.circuit.closed', 'delivery.exhausted'];

async function open(t: Parameters<typeof openTestDelivery>[0], config: Record<string, unknown> = {}) {
  const delivery = await openTestDelivery(t);
  const webhook = await delivery.addWebhook({ max_concurrency: 1, ...config });
  await delivery.addWebhook({ url: 'https://ops.example/', events: NEWS });
  await delivery.start();
  return { delivery, webhook };
}

/** The types that the operator's receiver got, in order. */
async function told({ store, receivers, workspaceId, pass }: TestDelivery): Promise<string[]> {
  await pass();
  const found = receivers.sentTo('ops.example').map((id) => store.getDelivery(workspaceId, id));
  return (await Promise.all(found)).map((one) => one?.eventType ?? '');
}

test('a delivery that used up its retries is told at once', async (t) => {
  const { delivery, webhook } = await open(t, { retry_policy: { schedule: [5] } });
  delivery.receivers.behave('a.example', () => answered(500));
  await delivery.publish(webhook);
  assert.deepEqual(await told(delivery), []);
  await delivery.pass(6_000);
  assert.deepEqual(await told(delivery), ['delivery.exhausted']);
});

test('a circuit that opens and closes is told once each; what is delivered tells nothing', async (t) => {
  const { delivery, webhook } = await open(t, { retry_policy: { schedule: [3600, 3600] } });
  await delivery.publish(webhook, 20);
  assert.deepEqual(await told(delivery), []);
  await delivery.pass(31_000);
  delivery.receivers.behave('a.example', () => answered(503));
  await delivery.publish(webhook, 20);
  assert.deepEqual(await told(delivery), ['webhook.circuit.opened']);
  await delivery.pass(16_000);
  delivery.receivers.behave('a.example', () => answered(200));
  await delivery.pass(60_000);
  assert.deepEqual(await told(delivery), ['webhook.circuit.opened', 'webhook.circuit.closed']);
});

test('a webhook that answers 410 is told as disabled, once', async (t) => {
  const { delivery, webhook } = await open(t, { max_concurrency: 4 });
  delivery.receivers.behave('a.example', () => answered(410));
  await delivery.publish(webhook, 3);
  await delivery.pass(1_000);
  assert.deepEqual(await told(delivery), ['webhook.disabled']);
});

test('a webhook that is given up after five days is told as disabled, with its days', async (t) => {
  const { delivery, webhook } = await open(t, { retry_policy: { schedule: Array(30).fill(6 * 3600) } });
  delivery.receivers.behave('a.example', () => answered(429));
  await delivery.publish(webhook);
  await delivery.pass(6 * DAY_MS);
  assert.deepEqual(await told(delivery), ['webhook.disabled']);
  const [event] = await delivery.store.listEvents({ workspaceId: delivery.workspaceId, limit: 1 });
  const data = JSON.parse(event?.dataText ?? '{}') as Record<string, unknown>;
  assert.deepEqual([data.reason, data.status_code, data.attempts], ['no_success', 429, 21]);
});

test('an operational event that cannot be delivered either causes no other', async (t) => {
  const { delivery, webhook } = await open(t, { retry_policy: { max_retries: 0 } });
  const { receivers, store, workspaceId } = delivery;
  receivers.behave('a.example', () => answered(404));
  receivers.behave('ops.example', () => answered(410));
  await delivery.publish(webhook, 3);
  await delivery.pass(3600_000);
  const events = await store.listEvents({ workspaceId, limit: 99 });
  assert.deepEqual(events.map(({ type }) => type).toSorted(), [
    ...Array(3).fill('delivery.exhausted'),
    ...Array(3).fill('workflow.started'),
  ]);
});

test('a crash before the outcome is on disk loses none and doubles none', async (t) => {
  const { delivery, webhook } = await open(t, { retry_policy: { max_retries: 0 } });
  delivery.receivers.behave('a.example', () => 'hang');
  await delivery.publish(webhook);
  await delivery.restart();
  assert.deepEqual(await told(delivery), []);
  for (const request of delivery.receivers.requests) request.answer(answered(500));
  await delivery.pass(1_000);
  assert.deepEqual(await told(delivery), ['delivery.exhausted']);
});
