import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

/* Whose turn it is, and how many at a time. */

test('sends what is recorded as soon as it is on disk, and records what came of it', async (t) => {
  const { addWebhook, publish, start, store, receivers, delivery, clock } = await openTestDelivery(t);
  const webhook = await addWebhook();
  await start();
  const [id = ''] = await publish(webhook);
  assert.deepEqual(receivers.sentTo('a.example'), [id]);
  const { state, attempts, lastStatus, finishedAt, dueAt } = await delivery(id);
  assert.deepEqual(
    { state, attempts, lastStatus, finishedAt, dueAt },
    { state: 'delivered', attempts: 1, lastStatus: 204, finishedAt: clock.now(), dueAt: null },
  );
  const [attempt] = await store.listAttempts(webhook.workspaceId, id);
  assert.equal(attempt?.outcome, 'delivered');
  assert.equal(attempt?.webhookVersion, 1);
});

test('a lane goes in the order of its queue', async (t) => {
  const { addWebhook, publish, start, receivers } = await openTestDelivery(t, { limits: { readAhead: 4 } });
  const webhook = await addWebhook({ max_concurrency: 1 });
  const ids = [...(await publish(webhook, 7)), ...(await publish(webhook, 6))];
  await start();
  assert.deepEqual(receivers.sentTo('a.example'), ids);
});

test('lanes take turns, one delivery at a time', async (t) => {
  const { addWebhook, publish, start, receivers } = await openTestDelivery(t, { limits: { maxSending: 1 } });
  const a = await addWebhook({ url: 'https://a.example/' });
  const b = await addWebhook({ url: 'https://b.example/' });
  await publish(a, 40);
  await publish(b, 3);
  await start();
  const hosts = receivers.requests.map(({ host }) => host[0]).join('');
  assert.equal(hosts.length, 43);
  assert.match(hosts, /^a?(ba){3}a+$|^a?(ab){3}a+$/);
});

test('lanes share what is free, however much each of them has', async (t) => {
  const { addWebhook, publish, start, receivers } = await openTestDelivery(t, { limits: { maxSending: 9 } });
  for (const [name, count] of Object.entries({ a: 40, b: 40, c: 2 })) {
    receivers.behave(`${name}.example`, () => 'hang');
    await publish(await addWebhook({ url: `https://${name}.example/` }), count);
  }
  await start();
  const inTheAir = ['a', 'b', 'c'].map((name) => receivers.inTheAir(`${name}.example`).now);
  assert.deepEqual(inTheAir.slice(2), [2]);
  assert.deepEqual(inTheAir.slice(0, 2).toSorted(), [3, 4]);
});

test('a lane that hangs holds no other one, and takes up no more than its own slots', async (t) => {
  const { addWebhook, publish, start, receivers, pass, delivery } = await openTestDelivery(t);
  const hung = await addWebhook({ url: 'https://hung.example/', max_concurrency: 3, timeout: 20 });
  const healthy = await addWebhook({ url: 'https://healthy.example/', max_concurrency: 2 });
  receivers.behave('hung.example', () => 'hang');
  await start();
  await publish(hung, 50);
  const ids = await publish(healthy, 100);
  assert.deepEqual(receivers.sentTo('healthy.example'), ids);
  assert.equal((await delivery(ids.at(-1) ?? '')).state, 'delivered');
  assert.deepEqual(receivers.inTheAir('hung.example'), { now: 3, most: 3 });
  await pass(19_999);
  assert.equal(receivers.sentTo('hung.example').length, 3);
  await pass(1);
  assert.equal(receivers.sentTo('hung.example').length, 6);
});

test('no lane is ever in the air more often than its max_concurrency, and none stays below it without need', async (t) => {
  const plan = fc.record({
    maxConcurrency: fc.integer({ min: 1, max: 5 }),
    count: fc.integer({ min: 0, max: 30 }),
    /** One for each request in turn; 0 answers within the send. */
    latenciesMs: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 5 }),
    statuses: fc.array(fc.constantFrom(200, 200, 200, 429, 429, 404), { minLength: 1, maxLength: 5 }),
  });
  const arrivals = fc.tuple(fc.array(plan, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 9 }));
  await fc.assert(
    fc.asyncProperty(arrivals, async ([plans, readAhead]) => {
      const delivery = await openTestDelivery(t, { limits: { readAhead } });
      const { receivers, pass } = delivery;
      const ids: string[] = [];
      await delivery.start();
      for (const [i, { maxConcurrency, count, latenciesMs, statuses }] of plans.entries()) {
        const host = `r${i}.example`;
        const webhook = await delivery.addWebhook({ url: `https://${host}/`, max_concurrency: maxConcurrency });
        let request = 0;
        receivers.behave(host, () => {
          const result = answered(statuses[request % statuses.length] ?? 200);
          const afterMs = latenciesMs[request % latenciesMs.length] ?? 0;
          request += 1;
          return afterMs === 0 ? result : { afterMs, result };
        });
        ids.push(...(await delivery.publish(webhook, count)));
        if (Math.min(...latenciesMs) > 0) {
          assert.equal(receivers.inTheAir(host).now, Math.min(maxConcurrency, count));
        }
      }
      await pass(10 * 60_000);
      for (const [i, { maxConcurrency }] of plans.entries()) {
        const { now, most } = receivers.inTheAir(`r${i}.example`);
        assert.ok(now === 0 && most <= maxConcurrency, `${most} in the air of ${maxConcurrency}`);
      }
      for (const id of ids) {
        const { state, attempts } = await delivery.delivery(id);
        assert.ok(state === 'delivered' || state === 'failed', state);
        assert.equal(receivers.requests.filter(({ deliveryId }) => deliveryId === id).length, attempts);
      }
    }),
    { numRuns: 12 },
  );
});

test('at most maxSending attempts are in the air over all lanes', async (t) => {
  const { addWebhook, publish, start, receivers, pass } = await openTestDelivery(t, { limits: { maxSending: 5 } });
  for (const name of ['a', 'b', 'c']) {
    receivers.behave(`${name}.example`, () => ({ afterMs: 100, result: answered(200) }));
    await publish(await addWebhook({ url: `https://${name}.example/` }), 7);
  }
  await start();
  assert.deepEqual(receivers.inTheAir(), { now: 5, most: 5 });
  await pass(500);
  assert.equal(receivers.requests.length, 21);
  assert.equal(receivers.inTheAir().most, 5);
});

test('nothing is started while more than maxUnsettled outcomes wait for the disk', async (t) => {
  const written: (() => void)[] = [];
  const { addWebhook, publish, start, receivers, pass } = await openTestDelivery(t, {
    limits: { maxUnsettled: 3 },
    wrap: (queue) => ({
      ...queue,
      async settle(settlement) {
        await new Promise<void>((resolve) => written.push(resolve));
        return queue.settle(settlement);
      },
    }),
  });
  const webhook = await addWebhook({ max_concurrency: 1 });
  await publish(webhook, 5);
  await start();
  assert.equal(receivers.requests.length, 3);
  written.shift()?.();
  await pass();
  assert.equal(receivers.requests.length, 4);
  while (written.length > 0) {
    written.shift()?.();
    await pass();
  }
  assert.equal(receivers.requests.length, 5);
});

test('a lane of new events, retries and recovered ones starves none of them', async (t) => {
  const { addWebhook, publish, start, receivers, pass, store, commit } = await openTestDelivery(t);
  const webhook = await addWebhook({ max_concurrency: 1, retry_policy: { schedule: [10], jitter: 0 } });
  await start();
  receivers.behave('a.example', () => answered(404));
  const recovered = await publish(webhook, 60);
  receivers.behave('a.example', () => answered(429));
  const retried = await publish(webhook, 60);
  receivers.behave('a.example', () => 'hang');
  const [blocker = ''] = await publish(webhook);
  await pass(10_000);
  const fresh = await publish(webhook, 60);
  for (const id of recovered) await commit(store.requeue(laneOf(webhook), id));
  const before = receivers.requests.length;
  receivers.behave('a.example', () => answered(200));
  receivers.requests.findLast(({ deliveryId }) => deliveryId === blocker)?.answer(answered(200));
  await pass();
  const order = receivers.sentTo('a.example').slice(before);
  assert.equal(order.length, 180);
  const among = (ids: readonly string[], count: number) =>
    order.slice(0, count).filter((id) => ids.includes(id)).length;
  assert.deepEqual([among(fresh, 64), among(retried, 64), among(recovered, 64)], [48, 8, 8]);
});
