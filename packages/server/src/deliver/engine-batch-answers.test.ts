import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { answered, type SentRequest } from './fake-send.ts';
import { openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* What the answer to a batch means for its members. */

const named = (ids: readonly unknown[]) => answered(200, [], JSON.stringify({ failed: ids }));
const eventsIn = ({ body }: SentRequest) =>
  (JSON.parse(body) as { data: { count: number; events: { delivery_id: string }[] } }).data.events;
const carriedBy = (request: SentRequest) => eventsIn(request).map((event) => event.delivery_id);
const batchesOf = ({ delivery }: TestDelivery, ids: readonly string[]) =>
  Promise.all(
    ids.map(async (id) => {
      const { batch } = await delivery(id);
      return batch && { id: batch.id, state: batch.state };
    }),
  );

async function open(t: TestContext, config: Record<string, unknown> = {}) {
  const opened = await openTestDelivery(t);
  await opened.start();
  const policy = { max_retries: 2, retry_delay: 4, exponential_backoff: false, jitter: 0 };
  const webhook = await opened.addWebhook({ batch: { size: 4, timeout: 1 }, retry_policy: policy, ...config });
  const from = opened.clock.now();
  const times = () => opened.receivers.requests.map(({ at }) => (at - from) / 1000);
  return { ...opened, opened, webhook, times };
}

test('members that are named as failed go on in a new batch, by the schedule; the rest is delivered', async (t) => {
  const { opened, webhook, publish, pass, receivers, times } = await open(t);
  const ids = await publish(webhook, 3);
  const [a, , c] = ids;
  const answers = [named([c, a, c]), named([])];
  receivers.behave('a.example', () => answers.shift() ?? answered(200));
  await pass(60_000);
  // The timeout of the batch, the schedule.
  assert.deepEqual(times(), [1, 5]);
  const [first, second] = receivers.requests;
  assert.ok(first && second);
  assert.notEqual(first.deliveryId, second.deliveryId);
  assert.deepEqual(carriedBy(second), [a, c], 'in the order in which they were');
  assert.deepEqual(eventsIn(second), [eventsIn(first)[0], eventsIn(first)[2]]);
  assert.deepEqual([second.headers['x-broxi-attempt'], second.headers['x-broxi-event']], ['1', 'webhook.batch']);
  assert.deepEqual(await batchesOf(opened, ids), [
    { id: second.deliveryId, state: 'delivered' },
    { id: first.deliveryId, state: 'delivered' },
    { id: second.deliveryId, state: 'delivered' },
  ]);
  const [record] = await opened.store.listAttempts(opened.workspaceId, first.deliveryId);
  assert.deepEqual([record?.outcome, record?.reason], ['partly_delivered', 'answered 200, and names 2 of 3 as failed']);
});

test('a member that always fails has as many attempts as the policy gives, and then its batch has failed', async (t) => {
  const { opened, webhook, publish, pass, receivers, times } = await open(t);
  const [bad = '', good = ''] = await publish(webhook, 2);
  receivers.behave('a.example', (request) => named(carriedBy(request).filter((id) => id === bad)));
  await pass(60_000);
  assert.deepEqual(times(), [1, 5, 9]);
  assert.deepEqual(receivers.requests.map(carriedBy), [[bad, good], [bad], [bad]]);
  const [last, other] = await batchesOf(opened, [bad, good]);
  assert.equal(last?.state, 'failed');
  assert.deepEqual(other, { id: receivers.requests[0]?.deliveryId, state: 'delivered' });
  assert.ok(!receivers.sentTo('a.example').includes(last.id), 'it never went anywhere');
  const { reason } = await opened.delivery(last.id);
  assert.equal(reason, 'answered 200, and names 1 of 1 as failed; all 3 attempts used');
});

test('attempts that the whole batch used up count for the members that fail then', async (t) => {
  const { opened, webhook, publish, pass, receivers } = await open(t);
  const [bad = ''] = await publish(webhook, 2);
  const answers = [answered(500), answered(500), named([bad])];
  receivers.behave('a.example', () => answers.shift() ?? answered(200));
  await pass(60_000);
  assert.equal(receivers.requests.length, 3);
  const [batch] = await batchesOf(opened, [bad]);
  assert.equal(batch?.state, 'failed');
});

test('an answer that cannot be relied on is no success: the batch is sent again as it is', async (t) => {
  for (const [answer, reason] of [
    [named(['del_unknown']), 'answered 200, and names as failed what is not in the batch: "del_unknown"'],
    [named([7]), 'answered 200, and names as failed what is not in the batch: 7'],
    [
      answered(200, [], '{"failed": ["del_'),
      'answered 200, and the JSON that would say which members failed is cut off',
    ],
  ] as const) {
    const { opened, webhook, publish, pass, receivers, times } = await open(t);
    const answers = [answer];
    receivers.behave('a.example', () => answers.shift() ?? answered(200, [], 'ok'));
    const ids = await publish(webhook, 2);
    await pass(60_000);
    assert.deepEqual(times(), [1, 5]);
    const [first, second] = receivers.requests;
    assert.deepEqual([second?.deliveryId, second?.body], [first?.deliveryId, first?.body]);
    const [record] = await opened.store.listAttempts(opened.workspaceId, first?.deliveryId ?? '');
    assert.deepEqual([record?.outcome, record?.reason], ['retryable', reason]);
    assert.deepEqual(await batchesOf(opened, ids), Array(2).fill({ id: first?.deliveryId, state: 'delivered' }));
  }
});

test('a batch that is too large is split until it is not', async (t) => {
  const { opened, webhook, publish, pass, receivers, times } = await open(t);
  receivers.behave('a.example', (request) => answered(carriedBy(request).length > 2 ? 413 : 200));
  const ids = await publish(webhook, 3);
  await pass(60_000);
  assert.deepEqual(times(), [1, 1, 1]);
  const [whole, first, second] = receivers.requests;
  assert.ok(whole && first && second);
  assert.deepEqual([whole, first, second].map(carriedBy), [ids, ids.slice(0, 2), ids.slice(2)]);
  const { state, reason, attempts } = await opened.delivery(whole.deliveryId);
  assert.deepEqual([state, attempts], ['cancelled', 1]);
  assert.equal(reason, `answered 413; split into ${first.deliveryId} and ${second.deliveryId}`);
  assert.deepEqual(await batchesOf(opened, ids), [
    { id: first.deliveryId, state: 'delivered' },
    { id: first.deliveryId, state: 'delivered' },
    { id: second.deliveryId, state: 'delivered' },
  ]);
});

test('halves have attempts of their own, and one event that is too large fails by the policy', async (t) => {
  const { opened, webhook, publish, pass, receivers } = await open(t, { retry_policy: { max_retries: 0 } });
  receivers.behave('a.example', () => answered(413));
  const ids = await publish(webhook, 4);
  await pass(60_000);
  assert.deepEqual(
    receivers.requests.map((request) => carriedBy(request).length),
    [4, 2, 2, 1, 1, 1, 1],
  );
  for (const batch of await batchesOf(opened, ids)) assert.equal(batch?.state, 'failed');
});

test('the answer to a single delivery means what it says, whatever is in it', async (t) => {
  const { opened, publish, pass, receivers, addWebhook } = await open(t);
  const single = await addWebhook({ url: 'https://b.example/', retry_policy: { max_retries: 0 } });
  const answers = [named(['del_unknown']), answered(413)];
  receivers.behave('b.example', () => answers.shift() ?? answered(200));
  const ids = await publish(single, 2);
  await pass(60_000);
  const states = await Promise.all(ids.map(async (id) => (await opened.delivery(id)).state));
  assert.deepEqual(states, ['delivered', 'failed']);
});

test('a crash behind the outcome of a batch leaves its successors to be sent', async (t) => {
  const { opened, webhook, publish, pass, receivers, restart, times } = await open(t);
  receivers.behave('a.example', (request) => named(carriedBy(request).slice(2)));
  const ids = await publish(webhook, 4);
  await pass(1_000);
  await restart();
  await pass(60_000);
  assert.deepEqual(receivers.requests.slice(-1).map(carriedBy), [ids.slice(2)]);
  assert.equal(times().at(-1), 4);
  for (const batch of await batchesOf(opened, ids)) assert.equal(batch?.state, 'delivered');
});
