import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered } from './fake-send.ts';
import { openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* Deliveries of one webhook that go to several places. */

const BUSY = (seconds: number) => answered(429, ['Retry-After', String(seconds)]);
const ROUTES = [
  { when: { workflow_id: 'b' }, url: 'https://b.example/hook', headers: { 'X-Key': 'of b' } },
  { when: { workflow_id: 'c' }, url: 'https://c.example/hook' },
];
const CONFIG = { url: 'https://a.example/hook', headers: { Authorization: 'of a', 'X-Own': 'a' }, routes: ROUTES };

/** Seconds from now at which each request to a host was sent. */
function sentAfter({ receivers }: TestDelivery, from: number, host: string): number[] {
  return receivers.requests.filter((request) => request.host === host).map(({ at }) => (at - from) / 1000);
}

test('a route has its own URL and headers, and the attempt says which it went', async (t) => {
  const delivery = await openTestDelivery(t);
  const webhook = await delivery.addWebhook(CONFIG);
  await delivery.start();
  const [own = ''] = await delivery.publish(webhook);
  const [b = ''] = await delivery.publishTo(webhook, 0);
  const [c = ''] = await delivery.publishTo(webhook, 1);
  const [toA, toB, toC] = ['a', 'b', 'c'].map((name) =>
    delivery.receivers.requests.find(({ host }) => host === `${name}.example`),
  );
  assert.deepEqual([toA?.deliveryId, toB?.deliveryId, toC?.deliveryId], [own, b, c]);
  assert.deepEqual([toA?.headers['Authorization'], toA?.headers['X-Own']], ['of a', 'a']);
  assert.deepEqual(
    [toB?.headers['X-Key'], toB?.headers['Authorization'], toB?.headers['X-Own']],
    ['of b', undefined, undefined],
  );
  assert.deepEqual([toC?.headers['X-Key'], toC?.headers['Authorization']], [undefined, undefined]);
  for (const [id, url, route] of [
    [own, CONFIG.url, null],
    [b, ROUTES[0]?.url, webhook.config.routes?.[0]?.id],
    [c, ROUTES[1]?.url, webhook.config.routes?.[1]?.id],
  ] as const) {
    const [attempt] = await delivery.store.listAttempts(webhook.workspaceId, id);
    assert.deepEqual([attempt?.url, attempt?.route], [url, route]);
    assert.equal((await delivery.delivery(id)).route, route);
  }
});

test('a retry goes where its route leads by then, and to the own URL once the route is gone', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  for (const host of ['b.example', 'moved.example']) receivers.behave(host, () => answered(500));
  const webhook = await delivery.addWebhook(CONFIG);
  await delivery.start();
  const [id = ''] = await delivery.publishTo(webhook, 0);
  const [b, c] = webhook.config.routes ?? [];
  const moved = await delivery.change(webhook, { routes: [c, { ...b, url: 'https://moved.example/' }] });
  await pass(5_000);
  assert.deepEqual(receivers.sentTo('moved.example'), [id]);
  assert.equal(receivers.requests.at(-1)?.headers['X-Key'], 'of b');
  await delivery.change(moved, { routes: [c] });
  await pass(10_000);
  assert.deepEqual(receivers.sentTo('a.example'), [id]);
  assert.equal(receivers.requests.at(-1)?.headers['Authorization'], 'of a');
  const attempts = await delivery.store.listAttempts(webhook.workspaceId, id);
  assert.deepEqual(
    attempts.map(({ url, route }) => [url, route]),
    [
      ['https://b.example/hook', b?.id],
      ['https://moved.example/', b?.id],
      ['https://a.example/hook', null],
    ],
  );
});

test('Retry-After of one destination holds up none of the others, however much waits for it', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass } = delivery;
  const webhook = await delivery.addWebhook({ ...CONFIG, max_concurrency: 4 });
  await delivery.start();
  const from = clock.now();
  receivers.behave('b.example', () => BUSY(60));
  const [first = ''] = await delivery.publishTo(webhook, 0);
  receivers.behave('b.example', () => answered(200));
  const waiting = await delivery.publishTo(webhook, 0, 300);
  const own = await delivery.publish(webhook, 100);
  const behind = await delivery.publishTo(webhook, 1, 100);
  assert.deepEqual(receivers.sentTo('a.example'), own);
  assert.deepEqual(receivers.sentTo('c.example'), behind);
  await pass(59_999);
  assert.deepEqual(receivers.sentTo('b.example'), [first]);
  await pass(1);
  assert.equal(new Set(receivers.sentTo('b.example')).size, 301);
  assert.equal(receivers.sentTo('b.example').length, 302, 'the first one twice, the others once');
  assert.deepEqual(new Set(sentAfter(delivery, from, 'b.example')), new Set([0, 60]));
  for (const id of [first, ...waiting]) assert.equal((await delivery.delivery(id)).state, 'delivered');
});

test('what waits for its destination is sent when the wait is over, also where nothing else is due then', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  const webhook = await delivery.addWebhook({ ...CONFIG, retry_policy: { max_retries: 0 } });
  await delivery.start();
  receivers.behave('b.example', () => BUSY(30));
  const [given = ''] = await delivery.publishTo(webhook, 0);
  assert.equal((await delivery.delivery(given)).state, 'failed');
  receivers.behave('b.example', () => answered(200));
  const [waiting = ''] = await delivery.publishTo(webhook, 0);
  await pass(29_999);
  assert.equal((await delivery.delivery(waiting)).state, 'pending');
  await pass(1);
  assert.equal((await delivery.delivery(waiting)).state, 'delivered');
});

test('what waits for its destination is sent in the order in which it came, also after a restart', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  const webhook = await delivery.addWebhook({ ...CONFIG, max_concurrency: 1 });
  await delivery.start();
  receivers.behave('b.example', () => BUSY(30));
  const [first = ''] = await delivery.publishTo(webhook, 0);
  receivers.behave('b.example', () => answered(200));
  const waiting: string[] = [];
  for (let i = 0; i < 5; i += 1)
    waiting.push(...(await delivery.publishTo(webhook, 0)), ...(await delivery.publish(webhook)));
  await delivery.restart();
  assert.equal(receivers.sentTo('a.example').length, 5);
  await pass(29_999);
  assert.deepEqual(receivers.sentTo('b.example'), [first]);
  await pass(1);
  const later = receivers
    .sentTo('b.example')
    .slice(1)
    .filter((id) => id !== first);
  assert.deepEqual(
    later,
    waiting.filter((_, i) => i % 2 === 0),
  );
});

test('where all destinations wait, the first that takes something again is sent to', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass } = delivery;
  const webhook = await delivery.addWebhook({ ...CONFIG, routes: ROUTES.slice(0, 1) });
  await delivery.start();
  const from = clock.now();
  receivers.behave('a.example', () => BUSY(90));
  receivers.behave('b.example', () => BUSY(40));
  await delivery.publish(webhook);
  await delivery.publishTo(webhook, 0);
  for (const host of ['a.example', 'b.example']) receivers.behave(host, () => answered(200));
  await delivery.publish(webhook);
  await delivery.publishTo(webhook, 0);
  await pass(200_000);
  assert.deepEqual(sentAfter(delivery, from, 'b.example'), [0, 40, 40]);
  assert.deepEqual(sentAfter(delivery, from, 'a.example'), [0, 90, 90]);
});

test('what waits for a destination goes at once where its route leads to another one', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  const webhook = await delivery.addWebhook(CONFIG);
  await delivery.start();
  receivers.behave('b.example', () => BUSY(3_600));
  await delivery.publishTo(webhook, 0);
  const waiting = await delivery.publishTo(webhook, 0, 3);
  const [b, c] = webhook.config.routes ?? [];
  await delivery.change(webhook, { routes: [{ ...b, url: 'https://moved.example/' }, c] });
  await pass();
  assert.deepEqual(receivers.sentTo('moved.example'), waiting);
});

test('each destination is remembered by itself: the signed text that it takes', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, store } = delivery;
  const schemes = (host: string) => receivers.requests.filter((request) => request.host === host).length;
  const webhook = await delivery.addWebhook(CONFIG);
  await delivery.start();
  let refusals = 1;
  receivers.behave('b.example', () => answered(refusals-- > 0 ? 401 : 200));
  await delivery.publishTo(webhook, 0);
  await delivery.publish(webhook);
  await delivery.publishTo(webhook, 0);
  assert.deepEqual([schemes('b.example'), schemes('a.example')], [3, 1], 'only the first one to b was refused once');
  const known = await store.listDestinations(webhook.workspaceId, webhook.id);
  assert.deepEqual(
    known.map(({ url, scheme }) => [url, scheme]),
    [
      ['https://a.example/hook', 'timestamped'],
      ['https://b.example/hook', 'body'],
    ],
  );
});

test('a replay goes the route that was decided on', async (t) => {
  const delivery = await openTestDelivery(t);
  const webhook = await delivery.addWebhook(CONFIG);
  await delivery.start();
  const [id = ''] = await delivery.publishTo(webhook, 0);
  const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
  assert.equal(await delivery.commit(delivery.store.replay(lane, id, 'del_again')), true);
  await delivery.pass();
  assert.deepEqual(delivery.receivers.sentTo('b.example'), [id, 'del_again']);
});

test('410 of a route disables the webhook, as one of its own URL does', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, store, pass } = delivery;
  receivers.behave('b.example', () => answered(410));
  const webhook = await delivery.addWebhook(CONFIG);
  await delivery.start();
  const [id = ''] = await delivery.publishTo(webhook, 0);
  await pass(1_000);
  assert.deepEqual(receivers.sentTo('b.example'), [id]);
  const [hold] = await store.listHolds(webhook.workspaceId, webhook.id);
  assert.equal(hold?.disabledReason, 'gone');
});
