import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* When a destination is left alone because it fails, and how it is found to be well again. */

const DOWN = () => answered(503);
const WELL = () => answered(200);

/** Seconds from an instant at which each request was sent. */
function sentAfter({ receivers }: TestDelivery, from: number): number[] {
  return receivers.requests.filter(({ at }) => at >= from).map(({ at }) => (at - from) / 1000);
}

/** A webhook whose circuit has just opened, with ten attempts made and `waiting` deliveries that were never tried. */
async function openCircuit(delivery: TestDelivery, { waiting = 20, config = {} } = {}) {
  const { receivers, addWebhook, publish, start, clock } = delivery;
  receivers.behave('a.example', DOWN);
  const webhook = await addWebhook({ max_concurrency: 1, retry_policy: { schedule: [3600, 3600] }, ...config });
  await start();
  const failed = await publish(webhook, 5);
  const held = await publish(webhook, waiting);
  return { webhook, failed, held, openedAt: clock.now() };
}

test('five failures in a row open it: what waits is held, and costs no attempt', async (t) => {
  const delivery = await openTestDelivery(t);
  const { failed, held, webhook, openedAt } = await openCircuit(delivery);
  assert.deepEqual(delivery.receivers.sentTo('a.example'), failed);
  await delivery.pass(4_999);
  assert.equal(delivery.receivers.requests.length, 5);
  for (const id of held) assert.equal((await delivery.delivery(id)).attempts, 0);
  const [known] = await delivery.store.listDestinations(webhook.workspaceId, webhook.id);
  assert.deepEqual(known?.circuit, {
    state: 'open',
    since: openedAt,
    failedProbes: 0,
    nextProbeAt: openedAt + 5_000,
  });
});

test('70 % of ten attempts in a minute open it, one less does not', async (t) => {
  for (const [pattern, sent] of [
    ['1000100100', 10],
    ['1001100100', 13],
  ] as const) {
    const delivery = await openTestDelivery(t);
    let request = 0;
    delivery.receivers.behave('a.example', () => answered(pattern[request++ % 10] === '1' ? 200 : 500));
    const webhook = await delivery.addWebhook({ max_concurrency: 1, retry_policy: { schedule: [3600] } });
    await delivery.start();
    await delivery.publish(webhook, 13);
    assert.equal(delivery.receivers.requests.length, sent, pattern);
  }
});

test('what is no failure of the receiver opens nothing', async (t) => {
  for (const status of [404, 429, 401, 301]) {
    const delivery = await openTestDelivery(t);
    delivery.receivers.behave('a.example', () => answered(status));
    const webhook = await delivery.addWebhook({ signature_scheme: 'body', retry_policy: { schedule: [3600] } });
    await delivery.start();
    await delivery.publish(webhook, 30);
    assert.equal(delivery.receivers.requests.length, 30, String(status));
  }
});

test('probes go after 5 s, then twice as long each time, up to 5 minutes; none is charged', async (t) => {
  const delivery = await openTestDelivery(t);
  const { openedAt, held, failed } = await openCircuit(delivery, { waiting: 1 });
  await delivery.pass(1_500_000);
  assert.deepEqual(sentAfter(delivery, openedAt).slice(5), [5, 15, 35, 75, 155, 315, 615, 915, 1215]);
  const [probe = ''] = held;
  assert.deepEqual(new Set(delivery.receivers.sentTo('a.example')), new Set([...failed, probe]));
  const { state, attempts } = await delivery.delivery(probe);
  assert.deepEqual([state, attempts], ['pending', 9], 'many more than the policy allows');
  delivery.receivers.behave('a.example', () => answered(429));
  await delivery.pass(300_000);
  assert.equal((await delivery.delivery(probe)).state, 'pending', 'its whole schedule is still before it');
});

test('the probe is the delivery that has been due for longest; one that fails makes room for the next', async (t) => {
  const delivery = await openTestDelivery(t);
  const { held, openedAt } = await openCircuit(delivery, { waiting: 3 });
  await delivery.pass(100_000);
  const probes = delivery.receivers.requests.filter(({ at }) => at > openedAt).map(({ deliveryId }) => deliveryId);
  assert.deepEqual(probes, [...held, held[0]]);
});

test('only one probe is in the air, and what was in the air when it opened neither delays it nor closes it', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, publish, clock } = delivery;
  receivers.behave('a.example', () => 'hang');
  const webhook = await delivery.addWebhook({ max_concurrency: 12, timeout: 60 });
  await delivery.start();
  await publish(webhook, 12);
  for (const request of receivers.requests.slice(0, 10)) request.answer(answered(500));
  await pass();
  const openedAt = clock.now();
  const late = receivers.requests.slice(10);
  await pass(1_000);
  late[0]?.answer(answered(200));
  await pass(4_000);
  assert.deepEqual(sentAfter(delivery, openedAt + 1), [4.999], 'the other one is still in the air');
  await publish(webhook, 3);
  await pass(30_000);
  assert.equal(sentAfter(delivery, openedAt + 1).length, 1);
});

test('any answer but a counted failure closes it, and the backlog is released at a ramp', async (t) => {
  for (const status of [200, 404]) {
    const delivery = await openTestDelivery(t);
    const { receivers, pass } = delivery;
    const { held, openedAt } = await openCircuit(delivery, { waiting: 400, config: { max_concurrency: 16 } });
    receivers.behave('a.example', () => ({ afterMs: 100, result: answered(status) }));
    const most: number[] = [];
    for (let second = 0; second < 6; second += 1) {
      await pass(second === 0 ? 5_100 : 1_000);
      most.push(receivers.inTheAir('a.example').now);
    }
    assert.deepEqual(most, [1, 2, 4, 8, 16, 16]);
    await pass(10_000);
    const sent = receivers.requests.filter(({ at }) => at > openedAt).map(({ deliveryId }) => deliveryId);
    assert.deepEqual(new Set(sent), new Set(held));
    assert.equal(sent.length, held.length);
  }
});

test('opens again when it fails on the ramp', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, clock } = delivery;
  await openCircuit(delivery, { waiting: 200 });
  receivers.behave('a.example', WELL);
  await pass(5_000 - 1);
  let answers = 0;
  receivers.behave('a.example', () => ({ afterMs: 10, result: answered(answers++ === 0 ? 200 : 500) }));
  await pass(1_000);
  const probed = receivers.requests.length;
  // Ten attempts of the ramp, the probe among them.
  assert.equal(probed, 5 + 10);
  const again = clock.now();
  await pass(4_000);
  assert.equal(receivers.requests.length, probed);
  await pass(1_000);
  assert.equal(sentAfter(delivery, again).length, 1);
});

test('an open circuit outlasts the process, with its next probe', async (t) => {
  const delivery = await openTestDelivery(t);
  const { openedAt } = await openCircuit(delivery);
  await delivery.pass(6_000);
  await delivery.restart();
  await delivery.pass(8_999);
  assert.deepEqual(sentAfter(delivery, openedAt + 1), [4.999]);
  await delivery.pass(1);
  assert.deepEqual(sentAfter(delivery, openedAt), [0, 0, 0, 0, 0, 5, 15]);
});

test('another URL begins with a closed circuit', async (t) => {
  const delivery = await openTestDelivery(t);
  const { webhook, held } = await openCircuit(delivery);
  await delivery.change(webhook, { url: 'https://b.example/' });
  assert.deepEqual(delivery.receivers.sentTo('b.example'), held);
});

test('a person who resumes the webhook has it probed at once', async (t) => {
  const delivery = await openTestDelivery(t);
  const { webhook, openedAt } = await openCircuit(delivery);
  await delivery.pass(200_000);
  const before = delivery.receivers.requests.length;
  delivery.receivers.behave('a.example', WELL);
  await delivery.changeHold(webhook, 'resume');
  await delivery.pass(2_000);
  assert.equal((await delivery.delivery(delivery.receivers.sentTo('a.example')[before] ?? '')).state, 'delivered');
  assert.ok(sentAfter(delivery, openedAt).length > 20);
});

test('opening and closing are written when they happen, and audited; nothing is written per attempt', async (t) => {
  let learned = 0;
  const delivery = await openTestDelivery(t, {
    wrap: (queue) => ({
      ...queue,
      settle(settlement) {
        if (settlement.destination !== null) learned += 1;
        return queue.settle(settlement);
      },
    }),
  });
  await openCircuit(delivery, { waiting: 100, config: { signature_scheme: 'timestamped' } });
  assert.equal(learned, 1);
  delivery.receivers.behave('a.example', () => ({ afterMs: 100, result: answered(200) }));
  await delivery.pass(60_000);
  assert.equal(learned, 3, 'open, half open, closed');
});

test('one that is open holds no other webhook', async (t) => {
  const delivery = await openTestDelivery(t);
  await openCircuit(delivery);
  const other = await delivery.addWebhook({ url: 'https://b.example/' });
  const ids = await delivery.publish(other, 5);
  assert.deepEqual(delivery.receivers.sentTo('b.example'), ids);
});

test('a test that succeeds closes it; one that fails opens nothing', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, store } = delivery;
  receivers.behave('a.example', DOWN);
  const webhook = await delivery.addWebhook();
  await delivery.start();
  for (let i = 0; i < 12; i += 1) await delivery.sendTest(webhook);
  assert.deepEqual((await store.loadLane(laneOf(webhook)))?.destinations, new Map());
  const [id = ''] = await delivery.publish(webhook, 20);
  await pass(1_000);
  const before = receivers.requests.length;
  receivers.behave('a.example', WELL);
  await delivery.sendTest(webhook);
  await pass();
  assert.ok(receivers.requests.length > before + 1, 'what was held flows at once');
  assert.equal(
    (await store.loadLane(laneOf(webhook)))?.destinations.get(webhook.config.url)?.circuit.state,
    'half_open',
  );
  await pass(10_000);
  assert.equal((await delivery.delivery(id)).state, 'delivered');
});
