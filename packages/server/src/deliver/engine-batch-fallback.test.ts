import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { answered, type Behaviour, type SentRequest } from './fake-send.ts';
import { openTestDelivery } from './test-delivery.ts';

/* What a webhook's own URL does not take of batches goes to its fallback. */

const DOWN: Behaviour = () => answered(503);
const WELL: Behaviour = () => answered(200);
const UNKNOWN: Behaviour = () => answered(404);
const named = (ids: readonly string[]) => answered(200, [], JSON.stringify({ failed: ids }));
const carriedBy = ({ body }: Pick<SentRequest, 'body'>) =>
  (JSON.parse(body) as { data: { events: { delivery_id: string }[] } }).data.events.map((event) => event.delivery_id);

async function open(t: TestContext, config: Record<string, unknown> = {}) {
  const opened = await openTestDelivery(t);
  await opened.start();
  const policy = { max_retries: 1, retry_delay: 4, exponential_backoff: false, jitter: 0 };
  const webhook = await opened.addWebhook({
    ...{ batch: { size: 4, timeout: 1 }, retry_policy: policy, fallback_url: 'https://f.example/hook' },
    ...config,
  });
  const from = opened.clock.now();
  /** Host, seconds from now and members, of each request in order. */
  const sent = () =>
    opened.receivers.requests.map((request): [string, number, string[]] => [
      request.host.slice(0, 1),
      Math.floor((request.at - from) / 1000),
      carriedBy(request),
    ]);
  const fate = async (id: string) => {
    const { batch } = await opened.delivery(id);
    return [batch?.state, batch?.atFallback];
  };
  return { ...opened, opened, webhook, sent, fate };
}

test('a batch that used up its retries, or is not retried, goes to the fallback as it is', async (t) => {
  for (const [behaviour, seconds] of [
    [DOWN, [0, 4, 4]],
    [UNKNOWN, [0, 0]],
  ] as const) {
    const { publish, webhook, pass, receivers, sent, fate } = await open(t);
    receivers.behave('a.example', behaviour);
    const ids = await publish(webhook, 4);
    await pass(60_000);
    const hosts = seconds.map((_, i) => (i < seconds.length - 1 ? 'a' : 'f'));
    assert.deepEqual(
      sent(),
      seconds.map((at, i) => [hosts[i], at, ids]),
    );
    assert.equal(new Set(receivers.requests.map(({ body }) => body)).size, 1, 'the same bytes');
    assert.equal(new Set(receivers.requests.map(({ deliveryId }) => deliveryId)).size, 1);
    for (const id of ids) assert.deepEqual(await fate(id), ['delivered', true]);
  }
});

test('members that failed with the last attempt go there at once, with attempts of their own', async (t) => {
  const { opened, publish, webhook, pass, receivers, sent, fate } = await open(t);
  const [good = '', bad = ''] = await publish(webhook, 2);
  receivers.behave('a.example', (request) => named(carriedBy(request).filter((id) => id === bad)));
  receivers.behave('f.example', DOWN);
  await pass(60_000);
  assert.deepEqual(sent(), [
    ['a', 1, [good, bad]],
    ['a', 5, [bad]],
    ['f', 5, [bad]],
    ['f', 9, [bad]],
  ]);
  assert.deepEqual(await fate(good), ['delivered', false]);
  assert.deepEqual(await fate(bad), ['failed', true]);
  const { batch } = await opened.delivery(bad);
  const { reason, attempts } = await opened.delivery(batch?.id ?? '');
  assert.equal(reason, 'answered 503; all 2 attempts used at the fallback, as at its own URL before');
  assert.equal(attempts, 2);
});

test('members that failed at the fallback stay there for the attempts that are left, and then have failed', async (t) => {
  const { opened, publish, webhook, pass, receivers, sent, fate } = await open(t);
  const [good = '', bad = ''] = await publish(webhook, 2);
  receivers.behave('a.example', UNKNOWN);
  receivers.behave('f.example', (request) => named(carriedBy(request).filter((id) => id === bad)));
  await pass(60_000);
  assert.deepEqual(sent(), [
    ['a', 1, [good, bad]],
    ['f', 1, [good, bad]],
    ['f', 5, [bad]],
  ]);
  assert.deepEqual(await fate(good), ['delivered', true]);
  assert.deepEqual(await fate(bad), ['failed', true]);
  const { batch } = await opened.delivery(bad);
  const { reason } = await opened.delivery(batch?.id ?? '');
  const answer = 'answered 200, and names 1 of 1 as failed; all 2 attempts used';
  assert.equal(reason, `${answer} at the fallback, as at its own URL before`);
});

test('what is too large for the fallback is split there, and waits for nothing else, also after a crash', async (t) => {
  const { publish, webhook, pass, receivers, sent, fate, restart } = await open(t, {
    retry_policy: { max_retries: 0 },
    max_concurrency: 1,
  });
  receivers.behave('a.example', DOWN);
  await publish(webhook, 16);
  await pass(10);
  // The fifth failure in a row, which opens the circuit of the own URL.
  receivers.behave('f.example', (request) => (carriedBy(request).length > 2 ? answered(413) : 'hang'));
  const before = receivers.requests.length;
  const ids = await publish(webhook, 4);
  await pass(10);
  receivers.behave('f.example', (request) => answered(carriedBy(request).length > 1 ? 413 : 200));
  await restart();
  await pass(100);
  const halves = [ids.slice(0, 2), ids.slice(2)];
  assert.deepEqual(
    sent()
      .slice(before)
      .map(([host, , members]) => [host, members]),
    [['a', ids], ['f', ids], ['f', halves[0]], ...halves.map((half) => ['f', half]), ...ids.map((id) => ['f', [id]])],
  );
  for (const id of ids) assert.deepEqual(await fate(id), ['delivered', true]);
});

test('one event that is too large by itself is given up by the policy: to the fallback, and there', async (t) => {
  const { publish, webhook, pass, receivers, sent, fate } = await open(t, { batch: { size: 2, timeout: 1 } });
  for (const host of ['a.example', 'f.example']) receivers.behave(host, () => answered(413));
  const [id = ''] = await publish(webhook, 1);
  await pass(60_000);
  assert.deepEqual(
    sent().map(([host, , members]) => [host, members]),
    [
      ['a', [id]],
      ['f', [id]],
    ],
  );
  assert.deepEqual(await fate(id), ['failed', true]);
});

test('a fallback that is gone fails the batch, and disables nothing', async (t) => {
  const { opened, publish, webhook, pass, receivers, fate, store } = await open(t);
  receivers.behave('a.example', UNKNOWN);
  receivers.behave('f.example', () => answered(410));
  const [id = ''] = await publish(webhook, 4);
  await pass(60_000);
  assert.deepEqual(await fate(id), ['failed', true]);
  assert.deepEqual(await store.listHolds(webhook.workspaceId), []);
  const { batch } = await opened.delivery(id);
  const { reason } = await opened.delivery(batch?.id ?? '');
  assert.equal(reason, 'answered 410: it is gone at the fallback, as at its own URL before');
});

test('a manual retry of members that failed at the fallback begins at the own URL', async (t) => {
  const { opened, publish, webhook, pass, receivers, commit, store } = await open(t);
  const [bad = ''] = await publish(webhook, 1);
  receivers.behave('a.example', UNKNOWN);
  receivers.behave('f.example', (request) => named(carriedBy(request)));
  await pass(60_000);
  const { batch } = await opened.delivery(bad);
  assert.equal(batch?.state, 'failed');
  const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
  const before = receivers.requests.length;
  receivers.behave('a.example', WELL);
  assert.equal(await commit(store.requeue(lane, batch.id)), true);
  await pass(60_000);
  assert.deepEqual(
    receivers.requests.slice(before).map(({ host }) => host),
    ['a.example'],
  );
});

test('what went by itself when batching ended goes before what came after it, while only probes go out', async (t) => {
  const { publish, webhook, pass, receivers, change } = await open(t, {
    retry_policy: { max_retries: 0 },
    batch: { size: 4, timeout: 60 },
  });
  receivers.behave('a.example', DOWN);
  // Five in a row open the circuit of the own URL, and what comes then gathers.
  await publish(webhook, 20);
  await pass(10);
  const [gathered = ''] = await publish(webhook);
  await pass(10);
  // The rate limit has the lane wait for a moment, so that more comes before what gathered is released.
  const rate_limit = { limit: 1, period: 1 };
  const changed = await change(webhook, { batch: null, rate_limit });
  await publish(changed, 2);
  const before = receivers.requests.length;
  await pass(20_000);
  const probes = receivers.requests.slice(before).filter(({ host }) => host === 'a.example');
  assert.equal(probes[0]?.deliveryId, gathered);
});
