import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answered } from './fake-send.ts';
import { openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* How many requests begin in a while. */

function startsAt({ receivers }: TestDelivery, host = 'a.example'): number[] {
  return receivers.requests.filter((request) => request.host === host).map(({ at }) => at);
}

/** In no window of `periodMs` more than `limit`, and no pause that is longer than it must be. */
function assertPaced(starts: readonly number[], { limit, periodMs }: { limit: number; periodMs: number }): void {
  for (const [i, at] of starts.entries()) {
    const before = starts[i - limit];
    if (before !== undefined) assert.ok(at - before >= periodMs, `${limit + 1} within ${at - before} ms`);
  }
}

test('no more begin in any window than the limit, and as many as that do', async (t) => {
  const delivery = await openTestDelivery(t);
  const { clock, pass } = delivery;
  const webhook = await delivery.addWebhook({ rate_limit: { limit: 5, period: 10 } });
  const other = await delivery.addWebhook({ url: 'https://b.example/' });
  await delivery.start();
  const from = clock.now();
  await delivery.publish([webhook, other], 3);
  await pass(4_000);
  await delivery.publish([webhook, other], 12);
  assert.equal(startsAt(delivery, 'b.example').length, 15);
  await pass(60_000);
  const seconds = startsAt(delivery).map((at) => (at - from) / 1000);
  assert.deepEqual(seconds, [0, 0, 0, 4, 4, 10, 10, 10, 14, 14, 20, 20, 20, 24, 24]);
});

test('holds for any receiver, also where an attempt takes two exchanges', async (t) => {
  const plan = fc.record({
    limit: fc.integer({ min: 1, max: 6 }),
    period: fc.integer({ min: 1, max: 4 }),
    latencyMs: fc.integer({ min: 0, max: 3_000 }),
    statuses: fc.array(fc.constantFrom(200, 401, 403, 429), { minLength: 1, maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ limit, period, latencyMs, statuses }) => {
      const delivery = await openTestDelivery(t);
      let request = 0;
      delivery.receivers.behave('a.example', () => {
        const result = answered(statuses[request++ % statuses.length] ?? 200);
        return latencyMs === 0 ? result : { afterMs: latencyMs, result };
      });
      const webhook = await delivery.addWebhook({ rate_limit: { limit, period } });
      await delivery.start();
      const ids = await delivery.publish(webhook, 15);
      await delivery.pass(20 * 60_000);
      assertPaced(startsAt(delivery), { limit, periodMs: period * 1000 });
      for (const id of ids) assert.notEqual((await delivery.delivery(id)).state, 'pending');
    }),
    { numRuns: 25 },
  );
});

test('the second exchange of an attempt counts, and goes before new attempts', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, clock, pass } = delivery;
  let request = 0;
  receivers.behave('a.example', () => answered(request++ === 0 ? 401 : 200));
  const webhook = await delivery.addWebhook({ rate_limit: { limit: 1, period: 10 } });
  await delivery.start();
  const from = clock.now();
  const [first, second] = await delivery.publish(webhook, 2);
  await pass(30_000);
  assert.deepEqual(
    startsAt(delivery).map((at) => (at - from) / 1000),
    [0, 10, 20],
  );
  assert.deepEqual(receivers.sentTo('a.example'), [first, first, second]);
});

test('where the limit leaves no time for the other signature, the next attempt begins with it', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  const offered: string[] = [];
  receivers.behave('a.example', ({ headers }) => {
    // A receiver that checks the body alone sees another signature at each time for one that covers the time.
    const signature = headers['x-broxi-signature'] ?? '';
    const isBody = offered.includes(signature) || offered.length > 0;
    offered.push(signature);
    return answered(isBody ? 200 : 401);
  });
  const webhook = await delivery.addWebhook({ timeout: 30, rate_limit: { limit: 1, period: 60 } });
  await delivery.start();
  const [id = ''] = await delivery.publish(webhook);
  await pass(300_000);
  assert.equal((await delivery.delivery(id)).state, 'delivered');
  const records = await delivery.store.listAttempts(webhook.workspaceId, id);
  assert.deepEqual(
    records.map(({ outcome, exchanges }) => [outcome, ...exchanges.map(({ scheme }) => scheme)]),
    [
      ['retryable', 'timestamped'],
      ['delivered', 'body'],
    ],
  );
  assert.match(records[0]?.reason ?? '', /answered 401; the rate limit left no time/);
});

test('holds over a restart: what was sent before is read from what is recorded', async (t) => {
  const delivery = await openTestDelivery(t);
  const { pass } = delivery;
  const webhook = await delivery.addWebhook({ rate_limit: { limit: 4, period: 60 } });
  await delivery.start();
  await delivery.publish(webhook, 3);
  await pass(20_000);
  await delivery.restart();
  await delivery.publish(webhook, 6);
  await pass(300_000);
  assert.equal(startsAt(delivery).length, 9);
  assertPaced(startsAt(delivery), { limit: 4, periodMs: 60_000 });
});

test('holds for a line that has nothing to send for a while, which is not read anew', async (t) => {
  let reads = 0;
  const delivery = await openTestDelivery(t, {
    wrap: (queue) => ({
      ...queue,
      exchangesSince(lane, after) {
        reads += 1;
        return queue.exchangesSince(lane, after);
      },
    }),
  });
  const webhook = await delivery.addWebhook({ rate_limit: { limit: 2, period: 3_600 } });
  await delivery.start();
  for (let i = 0; i < 6; i += 1) {
    await delivery.publish(webhook);
    await delivery.pass(10 * 60_000);
  }
  await delivery.pass(4 * 3_600_000);
  assert.equal(startsAt(delivery).length, 6);
  assertPaced(startsAt(delivery), { limit: 2, periodMs: 3_600_000 });
  assert.equal(reads, 1);
});

test('a limit that is set, changed or taken away holds from then on, counting what was sent before', async (t) => {
  const delivery = await openTestDelivery(t);
  const { pass, change } = delivery;
  const webhook = await delivery.addWebhook();
  await delivery.start();
  await delivery.publish(webhook, 3);
  await pass(1_000);
  const limited = await change(webhook, { rate_limit: { limit: 4, period: 100 } });
  await delivery.publish(webhook, 3);
  assert.equal(startsAt(delivery).length, 4);
  const wider = await change(limited, { rate_limit: { limit: 5, period: 100 } });
  assert.equal(startsAt(delivery).length, 5);
  await change(wider, { rate_limit: null });
  assert.equal(startsAt(delivery).length, 6);
});

test('a test counts, and does not wait', async (t) => {
  const delivery = await openTestDelivery(t);
  const webhook = await delivery.addWebhook({ rate_limit: { limit: 1, period: 10 } });
  await delivery.start();
  await delivery.publish(webhook);
  await delivery.pass(9_000);
  await delivery.sendTest(webhook);
  await delivery.publish(webhook);
  await delivery.pass(9_000);
  assert.equal(startsAt(delivery).length, 2);
  await delivery.pass(1_000);
  assert.equal(startsAt(delivery).length, 3);
});

test('retries do not crowd out first attempts where starts are scarce and slots are not', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => answered(429));
  const webhook = await delivery.addWebhook({
    rate_limit: { limit: 40, period: 10 },
    retry_policy: { schedule: [5], jitter: 0 },
  });
  await delivery.start();
  await delivery.publish(webhook, 40);
  await pass(9_999);
  receivers.behave('a.example', () => answered(200));
  const fresh = await delivery.publish(webhook, 100);
  await pass(2);
  const sent = receivers.sentTo('a.example').slice(40);
  assert.equal(sent.length, 40);
  assert.equal(sent.filter((id) => fresh.includes(id)).length, 30);
});
