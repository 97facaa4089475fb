import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSigner } from '@broxi/receiver/node';
import { answered, type Behaviour } from './fake-send.ts';
import { laneOf, openTestDelivery, TEST_SECRET, type TestDelivery } from './test-delivery.ts';

/* What a webhook's own URL does not take goes to its fallback. */

const DAY_MS = 86_400_000;
const DOWN: Behaviour = () => answered(503);
const WELL: Behaviour = () => answered(200);
const UNKNOWN: Behaviour = () => answered(404);
const GONE: Behaviour = () => answered(410);
const FALLBACK = 'https://f.example/hook';
const CONFIG = {
  url: 'https://a.example/hook',
  fallback_url: FALLBACK,
  headers: { Authorization: 'of a' },
  retry_policy: { max_retries: 2, retry_delay: 10, exponential_backoff: false, jitter: 0 },
};

/** Hosts and seconds from now, of each request in order. */
function sentAfter({ receivers }: TestDelivery, from: number): [host: string, seconds: number][] {
  return receivers.requests.map(({ host, at }) => [host.slice(0, 1), Math.floor((at - from) / 1000)]);
}

async function begin(delivery: TestDelivery, config: Record<string, unknown> = {}) {
  const webhook = await delivery.addWebhook({ ...CONFIG, ...config });
  await delivery.start();
  return { webhook, from: delivery.clock.now() };
}

test('what used up its retries goes to the fallback at once, with a fresh schedule, and then has failed', async (t) => {
  const delivery = await openTestDelivery(t);
  for (const host of ['a.example', 'f.example']) delivery.receivers.behave(host, DOWN);
  const { webhook, from } = await begin(delivery);
  const [id = ''] = await delivery.publish(webhook);
  await delivery.pass(20_001);
  const { state, atFallback, dueAt } = await delivery.delivery(id);
  assert.deepEqual([state, atFallback, Number(dueAt) - delivery.clock.now()], ['pending', true, 10_000]);
  await delivery.pass(60_000);
  assert.deepEqual(sentAfter(delivery, from), [
    ['a', 0],
    ['a', 10],
    ['a', 20],
    ['f', 20],
    ['f', 30],
    ['f', 40],
  ]);
  const ended = await delivery.delivery(id);
  assert.deepEqual([ended.state, ended.attempts, ended.atFallback], ['failed', 6, true]);
  assert.equal(ended.reason, 'answered 503; all 3 attempts used at the fallback, as at its own URL before');
  const attempts = await delivery.store.listAttempts(webhook.workspaceId, id);
  assert.deepEqual(
    attempts.map(({ number, url }) => [number, url]),
    [1, 2, 3, 4, 5, 6].map((number) => [number, number < 4 ? CONFIG.url : FALLBACK]),
  );
});

test('what is not retried goes there as well: the same bytes, signed as ever, without own headers', async (t) => {
  const delivery = await openTestDelivery(t);
  delivery.receivers.behave('a.example', UNKNOWN);
  const { webhook } = await begin(delivery);
  const [id = ''] = await delivery.publish(webhook);
  await delivery.pass(1);
  const [own, there, ...others] = delivery.receivers.requests;
  assert.ok(own && there && others.length === 0);
  assert.equal(there.body, own.body);
  assert.deepEqual([own.headers['Authorization'], there.headers['Authorization']], ['of a', undefined]);
  assert.deepEqual([there.deliveryId, there.headers['x-broxi-attempt']], [id, '2']);
  const timestamp = Number(there.headers['x-broxi-timestamp']);
  const signer = createSigner({ secrets: [TEST_SECRET], headerPrefix: 'X-Broxi-' });
  const signed = signer.signHeaders({ deliveryId: id, timestamp, body: there.body, scheme: 'timestamped' });
  assert.equal(there.headers['x-broxi-signature'], signed['x-broxi-signature']);
  assert.equal((await delivery.delivery(id)).state, 'delivered');
});

test('it is at its fallback after a crash, and in its series there', async (t) => {
  const delivery = await openTestDelivery(t);
  for (const host of ['a.example', 'f.example']) delivery.receivers.behave(host, DOWN);
  const { webhook, from } = await begin(delivery);
  await delivery.publish(webhook);
  await delivery.pass(20_000);
  await delivery.restart();
  await delivery.pass(1);
  await delivery.restart();
  await delivery.pass(60_000);
  assert.deepEqual(sentAfter(delivery, from), [
    ['a', 0],
    ['a', 10],
    ['a', 20],
    ['f', 20],
    ['f', 30],
    ['f', 40],
  ]);
});

test('a manual retry begins at the own URL again, and may come to the fallback once more', async (t) => {
  const delivery = await openTestDelivery(t);
  for (const host of ['a.example', 'f.example']) delivery.receivers.behave(host, UNKNOWN);
  const { webhook } = await begin(delivery);
  const [id = ''] = await delivery.publish(webhook);
  await delivery.pass(1);
  assert.equal((await delivery.delivery(id)).state, 'failed');
  await delivery.commit(delivery.store.requeue(laneOf(webhook), id));
  await delivery.pass(1);
  assert.deepEqual(
    delivery.receivers.requests.map(({ host }) => host),
    ['a.example', 'f.example', 'a.example', 'f.example'],
  );
});

test('what waits for a fallback that is taken out goes where it went before, for the rest of its series', async (t) => {
  const delivery = await openTestDelivery(t);
  for (const host of ['a.example', 'b.example', 'f.example']) delivery.receivers.behave(host, DOWN);
  const routes = [{ when: { workflow_id: 'b' }, url: 'https://b.example/hook' }];
  const { webhook, from } = await begin(delivery, { routes });
  const [own = ''] = await delivery.publish(webhook);
  const [routed = ''] = await delivery.publishTo(webhook, 0);
  await delivery.pass(20_001);
  const before = delivery.receivers.requests.length;
  const without = await delivery.change(webhook, { fallback_url: null });
  await delivery.pass(60_000);
  assert.deepEqual(sentAfter(delivery, from).slice(before), [
    ['a', 30],
    ['b', 30],
    ['a', 40],
    ['b', 40],
  ]);
  for (const id of [own, routed]) {
    const { state, reason } = await delivery.delivery(id);
    assert.deepEqual([state, reason], ['failed', 'answered 503; all 3 attempts used']);
  }
  // Nor does one that is there again take it a second time.
  await delivery.change(without, { fallback_url: FALLBACK });
  await delivery.pass(60_000);
  assert.equal(delivery.receivers.sentTo('f.example').length, 2);
});

test('what a route leads to the URL of the fallback is not sent there twice', async (t) => {
  const delivery = await openTestDelivery(t);
  delivery.receivers.behave('f.example', UNKNOWN);
  const { webhook } = await begin(delivery, { routes: [{ when: { workflow_id: 'f' }, url: FALLBACK }] });
  const [id = ''] = await delivery.publishTo(webhook, 0);
  await delivery.pass(1_000);
  assert.deepEqual(delivery.receivers.sentTo('f.example'), [id]);
  assert.deepEqual([(await delivery.delivery(id)).state, (await delivery.delivery(id)).atFallback], ['failed', false]);
});

test('while the circuit of the own URL is open nothing is given up, so nothing falls back', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, pass } = delivery;
  receivers.behave('a.example', DOWN);
  const { webhook } = await begin(delivery, { retry_policy: { max_retries: 0 }, max_concurrency: 1 });
  const lost = await publish(webhook, 5);
  const held = await publish(webhook, 80);
  await pass(600_000);
  assert.deepEqual(receivers.sentTo('f.example'), lost);
  for (const id of held) {
    const { state, atFallback } = await delivery.delivery(id);
    assert.deepEqual([state, atFallback], ['pending', false]);
  }
  receivers.behave('a.example', WELL);
  await pass(600_000);
  for (const id of held) assert.equal((await delivery.delivery(id)).state, 'delivered');
  assert.equal(receivers.sentTo('f.example').length, lost.length);
});

test('what waits for the open circuit of the own URL is not read again and again, however much that is', async (t) => {
  const read = { first: 0 };
  const delivery = await openTestDelivery(t, {
    wrap: (queue) => ({
      ...queue,
      readDue: async (query) => {
        const found = await queue.readDue(query);
        if (query.class === 0) read.first += found.length;
        return found;
      },
    }),
  });
  const { receivers, publish, pass } = delivery;
  receivers.behave('a.example', DOWN);
  const { webhook } = await begin(delivery, { retry_policy: { max_retries: 0 }, max_concurrency: 1 });
  await publish(webhook, 5);
  const held = await publish(webhook, 1_000);
  read.first = 0;
  await pass(600_000);
  const probes = receivers.sentTo('a.example').length - 5;
  assert.ok(probes > 5 && read.first <= 64 * probes, `${read.first} for ${probes} probes in ten minutes`);
  receivers.behave('a.example', WELL);
  await pass(600_000);
  for (const id of held) assert.equal((await delivery.delivery(id)).state, 'delivered');
});

test('the fallback has a circuit and a Retry-After of its own, which hold up nothing else', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, pass, store } = delivery;
  receivers.behave('a.example', UNKNOWN);
  receivers.behave('f.example', DOWN);
  const { webhook } = await begin(delivery, { retry_policy: { max_retries: 0 }, max_concurrency: 1 });
  await publish(webhook, 5);
  await pass(10);
  const circuits = async () => {
    const known = await store.listDestinations(webhook.workspaceId, webhook.id);
    return known.map(({ url, circuit }) => [url, circuit.state]);
  };
  assert.deepEqual(await circuits(), [[FALLBACK, 'open']]);
  const [held = ''] = await publish(webhook);
  await pass(10);
  assert.deepEqual(
    [(await delivery.delivery(held)).state, (await delivery.delivery(held)).atFallback],
    ['pending', true],
  );
  receivers.behave('a.example', WELL);
  const [own = ''] = await publish(webhook);
  assert.equal((await delivery.delivery(own)).state, 'delivered');
  receivers.behave('f.example', () => answered(429, ['Retry-After', '60']));
  await pass(5_000);
  receivers.behave('f.example', WELL);
  receivers.behave('a.example', UNKNOWN);
  const [asked = ''] = await publish(webhook);
  await pass(59_000);
  assert.equal((await delivery.delivery(asked)).attempts, 1);
  await pass(1_100);
  assert.equal((await delivery.delivery(asked)).state, 'delivered');
});

test('a fallback that is gone fails its delivery alone, which is told when it is over', async (t) => {
  const delivery = await openTestDelivery(t);
  delivery.receivers.behave('a.example', UNKNOWN);
  delivery.receivers.behave('f.example', GONE);
  await delivery.addWebhook({ url: 'https://n.example/', events: ['delivery.exhausted'] });
  const { webhook } = await begin(delivery);
  const [id = ''] = await delivery.publish(webhook);
  await delivery.pass(1);
  assert.deepEqual(await delivery.store.listHolds(webhook.workspaceId), []);
  const { state, reason } = await delivery.delivery(id);
  assert.deepEqual([state, reason], ['failed', 'answered 410: it is gone at the fallback, as at its own URL before']);
  await delivery.pass(1_000);
  const told = delivery.receivers.requests.filter(({ host }) => host === 'n.example');
  assert.equal(told.length, 1);
  const { data } = JSON.parse(told[0]?.body ?? '{}') as { data?: Record<string, unknown> };
  assert.deepEqual([data?.['delivery_id'], data?.['attempts'], data?.['status_code']], [id, 2, 410]);
});

test('after five days without a success at its own URLs a webhook is disabled, whatever its fallback took', async (t) => {
  const delivery = await openTestDelivery(t, { limits: { sweepMs: DAY_MS } });
  delivery.receivers.behave('a.example', UNKNOWN);
  const { webhook } = await begin(delivery);
  const holdOf = async () => (await delivery.store.listHolds(webhook.workspaceId, webhook.id))[0]?.disabledReason;
  for (let day = 0; day < 5; day += 1) {
    await delivery.publish(webhook, 5);
    await delivery.pass(DAY_MS);
  }
  assert.equal(await holdOf(), undefined);
  assert.equal(delivery.receivers.sentTo('f.example').length, 25);
  const [held = ''] = await delivery.publish(webhook);
  await delivery.pass(1);
  assert.equal(await holdOf(), 'no_success');
  assert.equal((await delivery.delivery(held)).state, 'pending');
});

test('a fallback that takes nothing for days disables nothing', async (t) => {
  const delivery = await openTestDelivery(t, { limits: { sweepMs: DAY_MS } });
  const { receivers, publish, pass } = delivery;
  receivers.behave('f.example', UNKNOWN);
  const { webhook } = await begin(delivery);
  for (let day = 0; day < 7; day += 1) {
    receivers.behave('a.example', WELL);
    await publish(webhook);
    receivers.behave('a.example', UNKNOWN);
    await publish(webhook, 5);
    await pass(DAY_MS);
  }
  assert.equal(receivers.sentTo('f.example').length, 35);
  assert.deepEqual(await delivery.store.listHolds(webhook.workspaceId, webhook.id), []);
});
