import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, type Behaviour } from './fake-send.ts';
import { MOST_KEPT } from './left-out.ts';
import { laneOf, openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* A webhook whose deliveries go to several places, one of which fails: its circuit is its own. */

const DOWN: Behaviour = () => answered(503);
const WELL: Behaviour = () => answered(200);
const B = 'https://b.example/hook';
const ROUTES = [
  { when: { workflow_id: 'b' }, url: B },
  { when: { workflow_id: 'c' }, url: 'https://c.example/hook' },
];
const CONFIG = { url: 'https://a.example/hook', routes: ROUTES, retry_policy: { schedule: [3600, 3600] } };

/** The circuit of b.example has just opened, and `waiting` deliveries to it were never tried. */
async function openCircuitOfB(delivery: TestDelivery, { waiting = 20, config = {} } = {}) {
  const { receivers, addWebhook, publishTo, start, clock } = delivery;
  receivers.behave('b.example', DOWN);
  const webhook = await addWebhook({ ...CONFIG, max_concurrency: 4, ...config });
  await start();
  for (let i = 0; i < 5; i += 1) await publishTo(webhook, 0);
  assert.equal(receivers.sentTo('b.example').length, 5);
  const held = await publishTo(webhook, 0, waiting);
  return { webhook, held, openedAt: clock.now() };
}

/** Seconds since an instant at which each later request was sent to b.example. */
function probedAfter({ receivers }: TestDelivery, from: number): number[] {
  return receivers.requests
    .filter(({ host, at }) => host === 'b.example' && at > from)
    .map(({ at }) => (at - from) / 1000);
}

async function circuits({ store }: TestDelivery, webhook: Parameters<typeof laneOf>[0]) {
  const loaded = await store.loadLane(laneOf(webhook));
  return Object.fromEntries([...(loaded?.destinations ?? [])].map(([url, { circuit }]) => [url, circuit.state]));
}

test('an open circuit holds what goes to its destination alone, however much that is', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, publishTo, pass } = delivery;
  const { webhook, held } = await openCircuitOfB(delivery, { waiting: 300 });
  const own = await publish(webhook, 100);
  const behind = await publishTo(webhook, 1, 100);
  await pass(4_999);
  assert.deepEqual(receivers.sentTo('a.example'), own);
  assert.deepEqual(receivers.sentTo('c.example'), behind);
  assert.equal(receivers.sentTo('b.example').length, 5);
  for (const id of held) assert.equal((await delivery.delivery(id)).attempts, 0);
  assert.equal((await circuits(delivery, webhook))[B], 'open');
});

test('probes go to the destination that is open, at its times, one at a time, and none is charged', async (t) => {
  const delivery = await openTestDelivery(t);
  const { publish, pass, receivers } = delivery;
  const { webhook, held, openedAt } = await openCircuitOfB(delivery, { waiting: 300 });
  for (let i = 0; i < 80; i += 1) {
    await publish(webhook);
    await pass(1_000);
  }
  assert.deepEqual(probedAfter(delivery, openedAt), [5, 15, 35, 75]);
  assert.equal(receivers.sentTo('a.example').length, 80);
  const probes = receivers.sentTo('b.example').slice(5);
  assert.deepEqual(probes, held.slice(0, 4));
  for (const id of probes) {
    const [attempt] = await delivery.store.listAttempts(webhook.workspaceId, id);
    assert.equal(attempt?.url, B);
    assert.equal((await delivery.delivery(id)).state, 'pending');
  }
  assert.deepEqual((await circuits(delivery, webhook))['https://a.example/hook'], 'closed');
});

test('a probe that hangs keeps neither the others waiting, nor lets a second one go', async (t) => {
  const delivery = await openTestDelivery(t);
  const { publish, pass, receivers } = delivery;
  const { webhook, openedAt } = await openCircuitOfB(delivery, { config: { timeout: 60 } });
  receivers.behave('b.example', () => 'hang');
  await pass(5_000);
  const own = await publish(webhook, 50);
  await pass(50_000);
  assert.deepEqual(receivers.sentTo('a.example'), own);
  assert.deepEqual(probedAfter(delivery, openedAt), [5]);
});

test('once it is well again, what was held is released at a ramp, all of it, and the others go on', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, pass } = delivery;
  const waiting = 3 * MOST_KEPT;
  const { webhook, held, openedAt } = await openCircuitOfB(delivery, { waiting, config: { max_concurrency: 16 } });
  receivers.behave('b.example', () => ({ afterMs: 100, result: answered(200) }));
  await pass(4_999);
  const own: string[] = [];
  const most: number[] = [];
  for (let second = 0; second < 6; second += 1) {
    own.push(...(await publish(webhook, 3)));
    await pass(second === 0 ? 101 : 1_000);
    most.push(receivers.inTheAir('b.example').now);
  }
  assert.deepEqual(most.slice(0, 2), [1, 2]);
  most.forEach((width, second) => {
    assert.ok(width <= 2 ** second, `${width} after ${second} s`);
  });
  await pass(10_000);
  assert.deepEqual(receivers.sentTo('a.example'), own);
  const sent = receivers.requests.filter(({ host, at }) => host === 'b.example' && at > openedAt);
  assert.deepEqual(new Set(sent.map(({ deliveryId }) => deliveryId)), new Set(held));
  assert.equal(sent.length, held.length, 'each once');
  assert.equal((await circuits(delivery, webhook))[B], 'closed');
});

test('an open circuit of a route outlasts the process, with its next probe', async (t) => {
  const delivery = await openTestDelivery(t);
  const { publish, pass, receivers } = delivery;
  const { webhook, openedAt } = await openCircuitOfB(delivery);
  await pass(6_000);
  await delivery.restart();
  const own = await publish(webhook, 5);
  await pass(8_999);
  assert.deepEqual(receivers.sentTo('a.example'), own);
  assert.deepEqual(probedAfter(delivery, openedAt), [5]);
  await pass(1);
  assert.deepEqual(probedAfter(delivery, openedAt), [5, 15]);
});

test('two circuits that are open are probed each at its time', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, publishTo, pass, clock } = delivery;
  const { webhook, openedAt } = await openCircuitOfB(delivery);
  await pass(2_000);
  receivers.behave('c.example', DOWN);
  for (let i = 0; i < 5; i += 1) await publishTo(webhook, 1);
  await publishTo(webhook, 1, 20);
  await pass(60_000);
  const probesOfC = receivers.requests.filter(({ host }) => host === 'c.example').slice(5);
  assert.deepEqual(probedAfter(delivery, openedAt), [5, 15, 35]);
  assert.deepEqual(
    probesOfC.map(({ at }) => (at - openedAt) / 1000),
    [7, 17, 37],
  );
  const [own = ''] = await publish(webhook);
  assert.equal(receivers.requests.at(-1)?.deliveryId, own);
  assert.equal(receivers.requests.at(-1)?.at, clock.now());
});

test('a person who resumes the webhook has the open destination probed at once', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  const { webhook, held } = await openCircuitOfB(delivery);
  await pass(200_000);
  receivers.behave('b.example', WELL);
  await delivery.changeHold(webhook, 'resume');
  await pass(3_000);
  // The first five were probes, which are tried again when the next one would have been due.
  for (const id of held.slice(5)) assert.equal((await delivery.delivery(id)).state, 'delivered');
});

test('what is held for a route goes at once where the route leads to another URL', async (t) => {
  const delivery = await openTestDelivery(t);
  const { webhook, held } = await openCircuitOfB(delivery, { waiting: MOST_KEPT + 50 });
  const [b, c] = webhook.config.routes ?? [];
  await delivery.change(webhook, { routes: [{ ...b, url: 'https://moved.example/' }, c] });
  await delivery.pass();
  assert.deepEqual(delivery.receivers.sentTo('moved.example'), held);
});

test('what is held can be cancelled, and is not sent', async (t) => {
  const delivery = await openTestDelivery(t);
  const { webhook, held } = await openCircuitOfB(delivery);
  const [cancelled = ''] = held;
  assert.equal(await delivery.commit(delivery.engine.cancel(laneOf(webhook), cancelled)), 'cancelled');
  delivery.receivers.behave('b.example', WELL);
  await delivery.pass(20_000);
  assert.equal(delivery.receivers.sentTo('b.example').includes(cancelled), false);
  for (const id of held.slice(1)) assert.equal((await delivery.delivery(id)).state, 'delivered');
});

test('trouble of our own holds up every destination', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, publishTo, pass } = delivery;
  const webhook = await delivery.addWebhook(CONFIG);
  await delivery.start();
  receivers.behave('b.example', () => ({ kind: 'failed', failure: 'unreachable', message: 'no network' }));
  await publishTo(webhook, 0);
  await publish(webhook);
  assert.deepEqual(receivers.sentTo('a.example'), []);
  receivers.behave('b.example', WELL);
  await pass(1_000);
  assert.equal(receivers.sentTo('a.example').length, 1);
  assert.equal(receivers.sentTo('b.example').length, 2);
});

test('the rate limit is that of the webhook, whatever destinations its deliveries go to', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, publishTo, pass } = delivery;
  const webhook = await delivery.addWebhook({ ...CONFIG, rate_limit: { limit: 2, period: 10 } });
  await delivery.start();
  await publish(webhook, 2);
  await publishTo(webhook, 0, 2);
  assert.equal(receivers.requests.length, 2);
  await pass(10_000);
  assert.equal(receivers.requests.length, 4);
});
