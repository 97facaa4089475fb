import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { StoreUnavailableError } from '../errors.ts';
import type { DeliveryQueue } from '../store/store.ts';
import { answered, type SentRequest } from './fake-send.ts';
import { laneOf, openTestDelivery, type TestDelivery, type TestDeliveryOptions } from './test-delivery.ts';

/* What waits for company, and when it goes. */

interface BatchBody {
  event: string;
  timestamp: string;
  webhook_id: string;
  delivery_id: string;
  data: { event_type: string; count: number; events: { event: string; delivery_id: string; data: unknown }[] };
}

const bodyOf = ({ body }: SentRequest): BatchBody => JSON.parse(body) as BatchBody;
const carriedBy = (request: SentRequest) => bodyOf(request).data.events.map((event) => event.delivery_id);
/** Of each request: when it was sent, in seconds from then on, and how many it carries. */
const sizesFrom = ({ receivers }: TestDelivery, from: number) =>
  receivers.requests.map((request) => [(request.at - from) / 1000, carriedBy(request).length]);

async function open(t: TestContext, options: TestDeliveryOptions = {}) {
  const delivery = await openTestDelivery(t, options);
  await delivery.start();
  return { ...delivery, opened: delivery, from: delivery.clock.now() };
}

test('events go together as soon as there are enough of them, and the rest when the first has waited for long enough', async (t) => {
  const { opened, from, addWebhook, publish, pass, receivers, workspaceId } = await open(t);
  const webhook = await addWebhook({ batch: { size: 3, timeout: 10 } });
  const first = await publish(webhook, 2);
  await pass(4_000);
  assert.equal(receivers.requests.length, 0);
  const second = await publish(webhook, 3);
  await pass(60_000);
  assert.deepEqual(sizesFrom(opened, from), [
    [4, 3],
    [14, 2],
  ]);
  const ids = [...first, ...second];
  assert.deepEqual(receivers.requests.flatMap(carriedBy), ids);
  const [request] = receivers.requests;
  assert.ok(request);
  const body = bodyOf(request);
  const { event, timestamp, webhook_id, delivery_id, data } = body;
  assert.deepEqual([event, timestamp], ['webhook.batch', new Date(from + 4_000).toISOString()]);
  assert.deepEqual([webhook_id, delivery_id], [webhook.id, request.deliveryId]);
  assert.deepEqual(Object.keys(body), ['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
  assert.deepEqual([data.event_type, data.count], ['workflow.started', 3]);
  assert.deepEqual(data.events[0], {
    ...{ event: 'workflow.started', timestamp: new Date(from).toISOString(), webhook_id: webhook.id },
    ...{ delivery_id: ids[0], data: { workflow_id: 'wf', run_id: 'run' } },
  });
  assert.equal(JSON.stringify(body), request.body);
  const { headers } = request;
  assert.deepEqual([headers['x-broxi-event'], headers['x-broxi-attempt']], ['webhook.batch', '1']);
  assert.deepEqual((await opened.delivery(ids[4] ?? '')).batch?.state, 'delivered');
  assert.equal((await opened.store.listEvents({ workspaceId, limit: 9 })).length, 5);
});

test('events of each type and of each route go by themselves', async (t) => {
  const { addWebhook, publish, publishAs, publishTo, pass, receivers } = await open(t);
  const routes = [{ when: { workflow_id: 'wf' }, url: 'https://b.example/hook' }];
  const webhook = await addWebhook({ batch: { size: 2, timeout: 10 }, routes });
  const own = await publish(webhook);
  const other = await publishAs('workflow.failed', webhook);
  const routed = await publishTo(webhook, 0);
  await pass(5_000);
  assert.equal(receivers.requests.length, 0);
  const more = await publishTo(webhook, 0);
  assert.deepEqual(receivers.requests.map(carriedBy), [[...routed, ...more]]);
  await pass(5_000);
  assert.deepEqual(
    receivers.requests.map((request) => [request.host, bodyOf(request).data.event_type, carriedBy(request)]),
    [
      ['b.example', 'workflow.started', [...routed, ...more]],
      ['a.example', 'workflow.started', own],
      ['a.example', 'workflow.failed', other],
    ],
  );
});

test('a batch takes no more than 1 MiB, one event that is alone in it aside', async (t) => {
  const { addWebhook, publish, pass, receivers } = await open(t);
  const webhook = await addWebhook({ batch: { size: 100, timeout: 10 } });
  const text = 'é'.repeat(125 * 1024);
  const ids = await publish(webhook, 10, { text });
  const full = receivers.requests.map(
    (request) => [carriedBy(request).length, Buffer.byteLength(request.body)] as const,
  );
  assert.deepEqual(
    full.map(([count]) => count),
    [4, 4],
  );
  for (const [, bytes] of full) assert.ok(bytes <= 1024 * 1024 && bytes + 250 * 1024 > 1024 * 1024, String(bytes));
  await pass(10_000);
  assert.deepEqual(receivers.requests.flatMap(carriedBy), ids);
});

test('what waits goes on waiting after a crash, with the deadline that it had', async (t) => {
  const { opened, from, addWebhook, publish, pass, restart } = await open(t);
  const webhook = await addWebhook({ batch: { size: 10, timeout: 20 } });
  await publish(webhook, 2);
  await pass(15_000);
  await restart();
  await publish(webhook, 1);
  await pass(60_000);
  assert.deepEqual(sizesFrom(opened, from), [[20, 3]]);
});

test('a stop sends nothing that waits for company', async (t) => {
  const { opened, addWebhook, publish, pass, receivers, engine, restart } = await open(t);
  const webhook = await addWebhook({ batch: { size: 10, timeout: 5 } });
  await publish(webhook, 2);
  await engine.stop(1_000);
  await pass(60_000);
  assert.equal(receivers.requests.length, 0);
  const from = opened.clock.now();
  await restart();
  assert.deepEqual(sizesFrom(opened, from), [[0, 2]], 'its time is over by then');
});

test('what waited while nothing could be sent goes in full batches, not in those of the moment', async (t) => {
  const { opened, addWebhook, publish, pass, changeHold, clock } = await open(t);
  const webhook = await addWebhook({ batch: { size: 4, timeout: 5 }, max_concurrency: 1 });
  await changeHold(webhook, 'pause');
  for (let i = 0; i < 10; i += 1) {
    await publish(webhook);
    await pass(1_000);
  }
  const { store } = opened;
  assert.deepEqual(
    await store.readDue({ lane: laneOf(webhook), class: 0, after: null, dueBy: clock.now(), limit: 9 }),
    [],
  );
  const from = clock.now();
  await changeHold(webhook, 'resume');
  await pass(60_000);
  assert.deepEqual(
    sizesFrom(opened, from).map(([, size]) => size),
    [4, 4, 2],
  );
});

test('a backlog of several types is read to its end before a group goes that is not full', async (t) => {
  const { addWebhook, publish, publishAs, pass, changeHold, receivers } = await open(t);
  const webhook = await addWebhook({ batch: { size: 1_000, timeout: 1 } });
  await changeHold(webhook, 'pause');
  await publish(webhook, 700);
  await publishAs('workflow.failed', webhook, 700);
  await publish(webhook, 200);
  await pass(5_000);
  await changeHold(webhook, 'resume');
  await pass(100);
  assert.deepEqual(
    receivers.requests.map((request) => carriedBy(request).length),
    [900, 700],
  );
});

test('no more batches are made than can be sent next: what waits behind a slow receiver gathers on', async (t) => {
  const { opened, addWebhook, publish, pass, receivers, clock } = await open(t);
  receivers.behave('a.example', () => ({ afterMs: 10_000, result: answered(200) }));
  const webhook = await addWebhook({ batch: { size: 10, timeout: 1 }, max_concurrency: 1 });
  for (let i = 0; i < 12; i += 1) {
    await publish(webhook);
    await pass(1_000);
  }
  const due = await opened.store.readDue({
    ...{ lane: laneOf(webhook), class: 0, after: null, dueBy: clock.now(), limit: 9 },
  });
  assert.equal(due.length, 1, 'what is in the air');
  await pass(60_000);
  assert.deepEqual(
    receivers.requests.map((request) => carriedBy(request).length),
    [1, 10, 1],
  );
});

test('a batch is a delivery like any other: same id and bytes at each attempt, and its members share its fate', async (t) => {
  const { opened, addWebhook, publish, pass, receivers, store, commit } = await open(t);
  receivers.behave('a.example', () => answered(503));
  const webhook = await addWebhook({
    batch: { size: 2, timeout: 1 },
    retry_policy: { max_retries: 2, retry_delay: 1 },
  });
  const [id = ''] = await publish(webhook, 2);
  await pass(60_000);
  const { requests } = receivers;
  assert.equal(requests.length, 3);
  assert.equal(new Set(requests.map(({ body }) => body)).size, 1);
  const batchId = requests[0]?.deliveryId ?? '';
  const { state, batch, finishedAt } = await opened.delivery(id);
  assert.deepEqual([state, batch], ['batched', { id: batchId, state: 'failed', atFallback: false }]);
  const whole = await opened.delivery(batchId);
  assert.deepEqual([whole.reason, whole.finishedAt], ['answered 503; all 3 attempts used', finishedAt]);
  receivers.behave('a.example', () => answered(200));
  assert.equal(await commit(store.requeue(laneOf(webhook), batchId)), true);
  await pass();
  assert.equal(requests.length, 4);
  assert.deepEqual([requests[3]?.deliveryId, requests[3]?.body], [batchId, requests[0]?.body]);
  assert.deepEqual((await opened.delivery(id)).batch, { id: batchId, state: 'delivered', atFallback: false });
});

test('a crash between the making of a batch and its sending loses nothing', async (t) => {
  const { opened, addWebhook, publish, pass, receivers, restart } = await open(t);
  receivers.behave('a.example', () => 'hang');
  const webhook = await addWebhook({ batch: { size: 2, timeout: 60 }, max_concurrency: 1 });
  const ids = await publish(webhook, 4);
  assert.deepEqual(receivers.requests.map(carriedBy), [ids.slice(0, 2)]);
  receivers.behave('a.example', () => answered(200));
  await restart();
  await pass();
  assert.deepEqual(receivers.requests.map(carriedBy), [ids.slice(0, 2), ids.slice(0, 2), ids.slice(2)]);
  assert.equal(receivers.requests[0]?.body, receivers.requests[1]?.body);
  for (const id of ids) assert.equal((await opened.delivery(id)).batch?.state, 'delivered');
});

test('a member that is cancelled in time is in no batch', async (t) => {
  const { opened, addWebhook, publish, pass, receivers, engine, commit } = await open(t);
  const webhook = await addWebhook({ batch: { size: 3, timeout: 5 } });
  const [a = '', b = ''] = await publish(webhook, 2);
  assert.equal(await commit(engine.cancel(laneOf(webhook), a)), 'cancelled');
  const [c = '', d = ''] = await publish(webhook, 2);
  assert.deepEqual(receivers.requests.map(carriedBy), [[b, c, d]]);
  assert.equal(await commit(engine.cancel(laneOf(webhook), c)), 'missing');
  await pass(60_000);
  assert.equal(receivers.requests.length, 1);
  assert.equal((await opened.delivery(a)).state, 'cancelled');
});

test('a webhook that is deleted sends nothing of what waits for company', async (t) => {
  const { opened, addWebhook, publish, pass, receivers, remove } = await open(t);
  const webhook = await addWebhook({ batch: { size: 3, timeout: 5 } });
  const ids = await publish(webhook, 2);
  await remove(webhook);
  ids.push(...(await publish(webhook, 1)));
  await pass(60_000);
  assert.equal(receivers.requests.length, 0);
  for (const id of ids) assert.equal((await opened.delivery(id)).state, 'cancelled');
});

test('when batching is switched off, what waits goes by itself, before what comes later', async (t) => {
  const { addWebhook, publish, pass, receivers, change } = await open(t);
  const webhook = await addWebhook({ batch: { size: 1_000, timeout: 60 }, max_concurrency: 1 });
  const ids = await publish(webhook, 700);
  const single = await change(webhook, { batch: null });
  ids.push(...(await publish(single, 1)));
  await pass(1_000);
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('when batching is switched on, what waits by itself goes so', async (t) => {
  const { addWebhook, publish, pass, receivers, change, changeHold } = await open(t);
  const webhook = await addWebhook({});
  await changeHold(webhook, 'pause');
  const singles = await publish(webhook, 2);
  const batching = await change(webhook, { batch: { size: 2, timeout: 5 } });
  const members = await publish(batching, 2);
  await changeHold(webhook, 'resume');
  await pass(1_000);
  const [first, second, third, ...others] = receivers.requests;
  assert.ok(first && second && third);
  assert.deepEqual([first.deliveryId, second.deliveryId, carriedBy(third)], [...singles, members]);
  assert.deepEqual(others, []);
});

test('another size, or another timeout, counts for what waits already', async (t) => {
  const { opened, from, addWebhook, publish, pass, change } = await open(t);
  const webhook = await addWebhook({ batch: { size: 10, timeout: 60 } });
  await publish(webhook, 5);
  const smaller = await change(webhook, { batch: { size: 2, timeout: 60 } });
  await pass(1_000);
  await change(smaller, { batch: { size: 2, timeout: 10 } });
  await pass(60_000);
  assert.deepEqual(sizesFrom(opened, from), [
    [0, 2],
    [0, 2],
    [10, 1],
  ]);
});

test('a batch that the disk cannot take is made when it can', async (t) => {
  let isFull = true;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    formBatch: (batch) => {
      return isFull ? Promise.reject(new StoreUnavailableError('full', null)) : queue.formBatch(batch);
    },
  });
  const { opened, addWebhook, publish, pass, receivers, errors } = await open(t, { wrap, expectsErrors: true });
  const webhook = await addWebhook({ batch: { size: 2, timeout: 5 } });
  const ids = await publish(webhook, 3);
  await pass(2_500);
  assert.equal(receivers.requests.length, 0);
  assert.ok(errors.length >= 3 && errors.length <= 4, 'it is tried once a second');
  isFull = false;
  await pass(10_000);
  assert.deepEqual(receivers.requests.map(carriedBy), [ids.slice(0, 2), ids.slice(2)]);
  assert.equal((await opened.delivery(ids[2] ?? '')).batch?.state, 'delivered');
});

test('a rate limit counts a batch as one', async (t) => {
  const { opened, from, addWebhook, publish, pass } = await open(t);
  const webhook = await addWebhook({ batch: { size: 2, timeout: 5 }, rate_limit: { limit: 1, period: 10 } });
  await publish(webhook, 6);
  await pass(60_000);
  assert.deepEqual(sizesFrom(opened, from), [
    [0, 2],
    [10, 2],
    [20, 2],
  ]);
});

test('with its circuit open a webhook gathers, and probes with what it has', async (t) => {
  const { opened, addWebhook, publish, pass, receivers, clock } = await open(t);
  receivers.behave('a.example', () => answered(500));
  const webhook = await addWebhook({ batch: { size: 2, timeout: 1 }, retry_policy: { max_retries: 0 } });
  // Ten failures open it, and nothing waits then.
  await publish(webhook, 20);
  const from = clock.now();
  await publish(webhook, 3);
  await pass(4_000);
  assert.equal(receivers.requests.length, 10);
  receivers.behave('a.example', () => answered(200));
  await pass(60_000);
  assert.deepEqual(sizesFrom(opened, from).slice(10), [
    [5, 2],
    [5, 1],
  ]);
});

test('no batch is made to probe with while something older waits', async (t) => {
  const { opened, addWebhook, publish, pass, receivers } = await open(t);
  receivers.behave('a.example', () => answered(500));
  const webhook = await addWebhook({ batch: { size: 2, timeout: 1 }, retry_policy: { retry_delay: 1 } });
  await publish(webhook, 20);
  await publish(webhook, 4);
  await pass(6_000);
  assert.equal(receivers.requests.length, 11, 'ten that opened the circuit, and its probe');
  const gathering = await opened.store.readGathering({ lane: laneOf(webhook), after: null, limit: 9 });
  assert.equal(gathering.length, 4);
});
