import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Webhook } from '../domain/webhook.ts';
import { newId } from '../ids.ts';
import type { DeliveryQueue } from '../store/store.ts';
import { answered, type Behaviour } from './fake-send.ts';
import { laneOf, openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* Deliveries of one run go one after the other. */

const HOST = 'a.example';
const run = (name: string) => ({ workflow_id: 'wf', run_id: name });
const BLOCK = { ordering: 'run', retry_policy: { max_retries: 0 } };
const SKIP = { ...BLOCK, ordering: { by: 'run', on_exhausted: 'skip' } };
const afterMs = (ms: number, status = 204): ReturnType<Behaviour> => ({ afterMs: ms, result: answered(status) });

/** A receiver that answers by the run's name. */
function behaveByRun({ receivers }: TestDelivery, behaviour: (run: string) => ReturnType<Behaviour>): void {
  receivers.behave(HOST, ({ body }) => behaviour((JSON.parse(body) as { data: { run_id: string } }).data.run_id));
}

async function publishRuns({ publish }: TestDelivery, webhook: Webhook, names: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const name of names) ids.push(...(await publish(webhook, 1, run(name))));
  return ids;
}

async function stateOf(delivery: TestDelivery, ids: readonly string[]): Promise<string[]> {
  return (await Promise.all(ids.map((id) => delivery.delivery(id)))).map(({ state }) => state);
}

test('one of a run is sent when the one before it is written down; other runs, and what has none, go beside it', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, pass } = delivery;
  receivers.behave(HOST, () => afterMs(100));
  const webhook = await delivery.addWebhook(BLOCK);
  await delivery.start();
  const [a1, a2, b1, a3, b2] = await publishRuns(delivery, webhook, ['a', 'a', 'b', 'a', 'b']);
  const free = await publish(webhook, 3, { workflow_id: 'wf' });
  assert.deepEqual(receivers.sentTo(HOST), [a1, b1, ...free]);
  await pass(100);
  assert.deepEqual(receivers.sentTo(HOST).slice(5), [a2, b2]);
  await pass(100);
  assert.deepEqual(receivers.sentTo(HOST).slice(7), [a3]);
  await pass(1_000);
  assert.equal(receivers.requests.length, 8);
});

test('nothing of a run is sent before the outcome of the one before it is on disk', async (t) => {
  const write = Promise.withResolvers<void>();
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async settle(settlement) {
      const written = await queue.settle(settlement);
      await write.promise;
      return written;
    },
  });
  const delivery = await openTestDelivery(t, { wrap, limits: { sweepMs: 1_000 } });
  const webhook = await delivery.addWebhook(BLOCK);
  await delivery.start();
  const [first, second] = await publishRuns(delivery, webhook, ['a', 'a']);
  // The queue says meanwhile that it is over, and sweeps read it.
  await delivery.pass(5_000);
  assert.deepEqual(delivery.receivers.sentTo(HOST), [first]);
  write.resolve();
  await delivery.pass();
  assert.deepEqual(delivery.receivers.sentTo(HOST), [first, second]);
});

test('one that waits for a retry holds its run and no other, also over a restart', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  const webhook = await delivery.addWebhook({ ordering: 'run', retry_policy: { retry_delay: 60, jitter: 0 } });
  let isWell = false;
  behaveByRun(delivery, (name) => answered(name === 'a' && !isWell ? 500 : 204));
  await delivery.start();
  const [a1, a2, a3, b1, b2] = await publishRuns(delivery, webhook, ['a', 'a', 'a', 'b', 'b']);
  assert.deepEqual(receivers.sentTo(HOST), [a1, b1, b2]);
  isWell = true;
  await pass(30_000);
  await delivery.restart();
  assert.deepEqual(receivers.sentTo(HOST).slice(3), []);
  await pass(29_999);
  assert.deepEqual(receivers.sentTo(HOST).slice(3), []);
  await pass(1);
  assert.deepEqual(receivers.sentTo(HOST).slice(3), [a1, a2, a3]);
});

for (const way of ['retried', 'given up'] as const) {
  test(`block: what follows one that failed waits until that is ${way}`, async (t) => {
    const delivery = await openTestDelivery(t);
    const { receivers, pass, store, commit } = delivery;
    const webhook = await delivery.addWebhook(BLOCK);
    let isWell = false;
    behaveByRun(delivery, (name) => answered(name === 'a' && !isWell ? 404 : 204));
    await delivery.start();
    const [a1 = '', a2, b1, a3] = await publishRuns(delivery, webhook, ['a', 'a', 'b', 'a']);
    await pass(600_000);
    await delivery.restart();
    assert.deepEqual(receivers.sentTo(HOST), [a1, b1]);
    assert.deepEqual(await stateOf(delivery, [a1, `${a2}`, `${a3}`]), ['failed', 'pending', 'pending']);
    isWell = true;
    if (way === 'retried') await commit(store.requeue(laneOf(webhook), a1));
    else assert.equal(await commit(delivery.engine.cancel(laneOf(webhook), a1)), 'cancelled');
    await pass();
    assert.deepEqual(receivers.sentTo(HOST).slice(2), way === 'retried' ? [a1, a2, a3] : [a2, a3]);
  });
}

test('skip: what follows one that failed goes on', async (t) => {
  const delivery = await openTestDelivery(t);
  const webhook = await delivery.addWebhook(SKIP);
  delivery.receivers.behave(HOST, ({ deliveryId }) => answered(deliveryId === failing[0] ? 404 : 204));
  const failing = await publishRuns(delivery, webhook, ['a', 'a', 'a']);
  await delivery.start();
  assert.deepEqual(delivery.receivers.sentTo(HOST), failing);
  assert.deepEqual(await stateOf(delivery, failing), ['failed', 'delivered', 'delivered']);
});

test('one that is cancelled while it waits for a retry frees its run at once', async (t) => {
  const delivery = await openTestDelivery(t);
  const webhook = await delivery.addWebhook({ ordering: 'run', retry_policy: { retry_delay: 3600 } });
  delivery.receivers.behave(HOST, ({ deliveryId }) => answered(deliveryId === ids[0] ? 500 : 204));
  const ids = await publishRuns(delivery, webhook, ['a', 'a']);
  await delivery.start();
  await delivery.pass(1_000);
  assert.deepEqual(delivery.receivers.sentTo(HOST), [ids[0]]);
  await delivery.commit(delivery.engine.cancel(laneOf(webhook), ids[0] ?? ''));
  await delivery.pass();
  assert.deepEqual(delivery.receivers.sentTo(HOST), ids);
});

test('nothing is read while one is being cancelled, which a crash may undo', async (t) => {
  const write = Promise.withResolvers<void>();
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async cancel(cancellation) {
      const count = await queue.cancel(cancellation);
      await write.promise;
      return count;
    },
  });
  const delivery = await openTestDelivery(t, { wrap, limits: { sweepMs: 500 } });
  const webhook = await delivery.addWebhook({ ordering: 'run', retry_policy: { retry_delay: 3600 } });
  delivery.receivers.behave(HOST, ({ deliveryId }) => answered(deliveryId === ids[0] ? 500 : 204));
  const ids = await publishRuns(delivery, webhook, ['a', 'a']);
  await delivery.start();
  void delivery.engine.cancel(laneOf(webhook), ids[0] ?? '');
  await delivery.pass(5_000);
  assert.deepEqual(delivery.receivers.sentTo(HOST), [ids[0]]);
  write.resolve();
  await delivery.pass();
  assert.deepEqual(delivery.receivers.sentTo(HOST), ids);
});

test('one that is put back goes before what came after it', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, store, commit, pass } = delivery;
  const webhook = await delivery.addWebhook({ ...SKIP, max_concurrency: 1 });
  let isWell = false;
  behaveByRun(delivery, (name) => (name === 'slow' ? afterMs(1_000) : afterMs(10, isWell ? 204 : 404)));
  await delivery.start();
  const [failed = '', slow, next, last] = await publishRuns(delivery, webhook, ['a', 'slow', 'a', 'a']);
  await pass(10);
  isWell = true;
  await commit(store.requeue(laneOf(webhook), failed));
  await pass(2_000);
  assert.deepEqual(receivers.sentTo(HOST), [failed, slow, failed, next, last]);
});

test('of much that is put back, what goes before something in memory is read first', async (t) => {
  const delivery = await openTestDelivery(t, { limits: { readAhead: 2 } });
  const { receivers, store, commit, pass } = delivery;
  const webhook = await delivery.addWebhook({ ...SKIP, max_concurrency: 1 });
  let isWell = false;
  behaveByRun(delivery, (name) => (name === 'slow' ? afterMs(1_000) : answered(isWell ? 204 : 404)));
  const failed = await publishRuns(delivery, webhook, ['x', 'y', 'z', 'a']);
  await delivery.start();
  isWell = true;
  await delivery.changeHold(webhook, 'pause');
  const [slow, next] = await publishRuns(delivery, webhook, ['slow', 'a']);
  await delivery.changeHold(webhook, 'resume');
  await pass();
  for (const id of failed) await commit(store.requeue(laneOf(webhook), id));
  await pass(5_000);
  const sent = receivers.sentTo(HOST).slice(4);
  assert.equal(sent[0], slow);
  assert.deepEqual(
    sent.filter((id) => id === failed[3] || id === next),
    [failed[3], next],
  );
});

test('one that is put back waits for another of its run that is in the air', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, store, commit, pass } = delivery;
  const webhook = await delivery.addWebhook(SKIP);
  receivers.behave(HOST, () => answered(404));
  await delivery.start();
  const [failed = ''] = await publishRuns(delivery, webhook, ['a']);
  receivers.behave(HOST, () => afterMs(1_000));
  const [inTheAir, next] = await publishRuns(delivery, webhook, ['a', 'a']);
  await commit(store.requeue(laneOf(webhook), failed));
  await pass(999);
  assert.deepEqual(receivers.sentTo(HOST), [failed, inTheAir]);
  await pass(5_000);
  assert.deepEqual(receivers.sentTo(HOST), [failed, inTheAir, failed, next]);
});

test('a replay goes behind what waits of its run', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, store, commit, pass } = delivery;
  const webhook = await delivery.addWebhook(BLOCK);
  await delivery.start();
  const [first = ''] = await publishRuns(delivery, webhook, ['a']);
  receivers.behave(HOST, () => afterMs(100));
  const [second, third] = await publishRuns(delivery, webhook, ['a', 'a']);
  const replayed = newId('del');
  await commit(store.replay(laneOf(webhook), first, replayed));
  await pass(1_000);
  assert.deepEqual(receivers.sentTo(HOST), [first, second, third, replayed]);
});

test('an order that begins holds for what is published from then on, one that ends for nothing any more', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave(HOST, () => afterMs(1_000));
  let webhook = await delivery.addWebhook({ max_concurrency: 4 });
  await delivery.start();
  const before = await publishRuns(delivery, webhook, ['a', 'a', 'a', 'a', 'a', 'a']);
  webhook = await delivery.change(webhook, { ordering: 'run' });
  const after = await publishRuns(delivery, webhook, ['a', 'a', 'a', 'a']);
  await pass(1_000);
  assert.deepEqual(receivers.sentTo(HOST), [...before, after[0]]);
  await pass(500);
  await delivery.change(webhook, { ordering: null });
  await pass();
  assert.deepEqual(receivers.sentTo(HOST).slice(7), [after[1]]);
  await pass(500);
  assert.deepEqual(receivers.sentTo(HOST).slice(8), after.slice(2));
  assert.equal(receivers.inTheAir(HOST).most, 4);
});

test('an order that begins again waits for what is in the air without it', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass } = delivery;
  receivers.behave(HOST, () => afterMs(1_000));
  const ordered = await delivery.addWebhook({ ...BLOCK, max_concurrency: 3 });
  const ids = await publishRuns(delivery, ordered, ['a', 'a', 'a', 'a']);
  const free = await delivery.change(ordered, { ordering: null });
  await delivery.start();
  assert.deepEqual(receivers.sentTo(HOST), ids.slice(0, 3));
  await pass(500);
  await delivery.change(free, { ordering: 'run', max_concurrency: 9 });
  await pass(499);
  assert.equal(receivers.requests.length, 3);
  await pass(1);
  assert.deepEqual(receivers.sentTo(HOST), ids);
});

test('the order holds over the routes of a webhook; a destination that waits holds the runs that lead there', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, pass, publish, publishTo } = delivery;
  const routes = [{ when: { workflow_id: 'b' }, url: 'https://b.example/hook' }];
  const webhook = await delivery.addWebhook({ ordering: 'run', routes, max_concurrency: 4 });
  let isBusy = true;
  receivers.behave('b.example', () => (isBusy ? answered(429, ['Retry-After', '60']) : answered(204)));
  await delivery.start();
  const [first] = await publish(webhook, 1, run('x'));
  const [busy] = await publishTo(webhook, 0, 1, run('x'));
  const [behind] = await publish(webhook, 1, run('x'));
  // Read, and left out: it goes to a destination that takes nothing now.
  const [leftOut] = await publishTo(webhook, 0, 1, run('y'));
  const [behindToo] = await publish(webhook, 1, run('y'));
  const [other] = await publish(webhook, 1, run('z'));
  isBusy = false;
  await pass(30_000);
  assert.deepEqual([receivers.sentTo(HOST), receivers.sentTo('b.example')], [[first, other], [busy]]);
  await pass(40_000);
  const order = receivers.requests.slice(3).map(({ deliveryId }) => deliveryId);
  assert.deepEqual(
    order.filter((id) => id === busy || id === behind),
    [busy, behind],
  );
  assert.deepEqual(
    order.filter((id) => id === leftOut || id === behindToo),
    [leftOut, behindToo],
  );
  assert.equal(order.length, 4);
});

for (const hold of ['pause', 'circuit'] as const) {
  test(`runs go on in order after a ${hold}`, async (t) => {
    const delivery = await openTestDelivery(t);
    const { receivers, pass } = delivery;
    const webhook = await delivery.addWebhook({ ordering: 'run', retry_policy: { max_retries: 50, retry_delay: 1 } });
    await delivery.start();
    if (hold === 'pause') await delivery.changeHold(webhook, 'pause');
    else receivers.behave(HOST, () => answered(503));
    const names = Array.from({ length: 40 }, (_, i) => `run ${i % 8}`);
    const ids = await publishRuns(delivery, webhook, names);
    await pass(60_000);
    receivers.behave(HOST, () => answered(204));
    receivers.requests.length = 0;
    if (hold === 'pause') await delivery.changeHold(webhook, 'resume');
    await pass(120_000);
    for (let each = 0; each < 8; each += 1) {
      const ofRun = ids.filter((_, i) => i % 8 === each);
      assert.deepEqual(
        receivers.sentTo(HOST).filter((id) => ofRun.includes(id)),
        ofRun,
      );
    }
  });
}

test('long runs do not keep others from their turn: what is due first goes first', async (t) => {
  const delivery = await openTestDelivery(t, { limits: { readAhead: 4 } });
  const { receivers, publish, pass } = delivery;
  receivers.behave(HOST, () => afterMs(10));
  const webhook = await delivery.addWebhook({ ...BLOCK, max_concurrency: 2 });
  for (let i = 0; i < 4; i += 1) await publish(webhook, 10, run(`long ${i}`));
  await pass(1);
  const [other = ''] = await publish(webhook, 1, run('short'));
  const [free = ''] = await publish(webhook, 1, { workflow_id: 'wf' });
  await pass(1);
  for (let i = 0; i < 4; i += 1) await publish(webhook, 100, run(`long ${i}`));
  await delivery.start();
  await pass(10_000);
  const sent = receivers.sentTo(HOST);
  assert.equal(sent.length, 442);
  assert.deepEqual(
    [sent.indexOf(other), sent.indexOf(free)].toSorted((a, b) => a - b),
    [40, 41],
  );
});

test('a blocked run costs the others nothing: all slots are taken all the time', async (t) => {
  const delivery = await openTestDelivery(t);
  const { receivers, publish, pass, clock } = delivery;
  behaveByRun(delivery, (name) => afterMs(10, name === 'blocked' ? 404 : 204));
  const webhook = await delivery.addWebhook({ ...BLOCK, max_concurrency: 10 });
  await delivery.start();
  await publish(webhook, 1, run('blocked'));
  await pass(10);
  await publish(webhook, 400, run('blocked'));
  receivers.requests.length = 0;
  const from = clock.now();
  await publishRuns(
    delivery,
    webhook,
    Array.from({ length: 600 }, (_, i) => `run ${i % 300}`),
  );
  while (receivers.requests.length < 600) await pass(1);
  assert.equal(clock.now() - from, 590);
});

test('what follows in a long run is found without reading what is behind it', async (t) => {
  let looked = 0;
  let reads = 0;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async readHeads(query) {
      reads += 1;
      return queue.readHeads(query);
    },
    async headsOf(query) {
      looked += query.runs.length;
      return queue.headsOf(query);
    },
  });
  const delivery = await openTestDelivery(t, { wrap });
  const { receivers, pass } = delivery;
  receivers.behave(HOST, () => afterMs(1));
  const webhook = await delivery.addWebhook(BLOCK);
  await delivery.start();
  const ids: string[] = [];
  for (let i = 0; i < 20; i += 1) ids.push(...(await delivery.publish(webhook, 50, run('long'))));
  const readsBefore = reads;
  await pass(1_100);
  assert.deepEqual(receivers.sentTo(HOST), ids);
  assert.ok(looked <= ids.length + 20, `${looked} looks`);
  assert.ok(reads - readsBefore <= 3, `${reads - readsBefore} reads`);
});
