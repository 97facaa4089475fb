import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailableError } from '../errors.ts';
import type { DeliveryQueue } from '../store/store.ts';
import { answered } from './fake-send.ts';
import { openTestDelivery } from './test-delivery.ts';

/* How much of what is owed is held in memory. */

test('more than maxWaitingBytes is not read ahead: one delivery at a time from then on', async (t) => {
  const size = 20_000;
  let read = 0;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async readDue(query) {
      const found = await queue.readDue(query);
      read += found.length;
      return found;
    },
  });
  const limits = { maxWaitingBytes: 10 * size, readAhead: 8 };
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, { wrap, limits });
  await start();
  const readsOfLanes: number[] = [];
  for (let i = 0; i < 5; i++) {
    receivers.behave(`r${i}.example`, () => ({ afterMs: 100, result: answered(200) }));
    const webhook = await addWebhook({ url: `https://r${i}.example/`, max_concurrency: 1 });
    const before = read;
    await publish(webhook, 9, 'x'.repeat(size));
    readsOfLanes.push(read - before);
  }
  // While there is room, new ones are handed over and need no read.
  assert.deepEqual(readsOfLanes, [0, 0, 1, 1, 1]);
  await pass(900);
  assert.equal(receivers.requests.length, 45);
});

test('lanes that all have much to read do not bring it into memory at once', async (t) => {
  const size = 20_000;
  let read = 0;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async readDue(query) {
      const found = await queue.readDue(query);
      read += found.length;
      return found;
    },
  });
  const limits = { maxWaitingBytes: 10 * size, readAhead: 8 };
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, { wrap, limits });
  const webhooks = [];
  for (let i = 0; i < 60; i++) {
    receivers.behave(`r${i}.example`, () => ({ afterMs: 100, result: answered(200) }));
    webhooks.push(await addWebhook({ url: `https://r${i}.example/`, max_concurrency: 1 }));
  }
  await publish(webhooks, 9, 'x'.repeat(size));
  await start();
  assert.equal(receivers.requests.length, 60);
  // The limit, what was being read when it was reached, and one of each lane.
  const waiting = read - receivers.requests.length;
  assert.ok(waiting <= 10 + 8 * 8 + 60, `${waiting} wait in memory`);
  await pass(900);
  assert.equal(receivers.requests.length, 540);
});

test('lanes that share little room are read a few deliveries at a time, each of them', async (t) => {
  const found: number[] = [];
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async readDue(query) {
      const rows = await queue.readDue(query);
      if (rows.length > 0) found.push(rows.length);
      return rows;
    },
  });
  const lanes = 60;
  // Room for four of the size that is likely, in each lane.
  const limits = { maxWaitingBytes: lanes * 4 * 1_500, readAhead: 64 };
  const { addWebhook, publish, start, pass, receivers } = await openTestDelivery(t, { wrap, limits });
  const webhooks = [];
  for (let i = 0; i < lanes; i++) {
    receivers.behave(`r${i}.example`, () => ({ afterMs: 100, result: answered(200) }));
    webhooks.push(await addWebhook({ url: `https://r${i}.example/`, max_concurrency: 1 }));
  }
  await publish(webhooks, 16, 'x');
  await start();
  await pass(1_600);
  assert.equal(receivers.requests.length, lanes * 16);
  assert.deepEqual([...new Set(found)], [4]);
  assert.equal(found.length, lanes * 4);
});

test('reads that all fail do not stop the engine', async (t) => {
  let broken = true;
  const wrap = (queue: DeliveryQueue): DeliveryQueue => ({
    ...queue,
    async readDue(query) {
      if (broken) throw new StoreUnavailableError('the disk reports an error', null);
      return queue.readDue(query);
    },
  });
  const delivery = await openTestDelivery(t, { wrap, expectsErrors: true });
  const webhooks = [];
  for (let i = 0; i < 20; i++) webhooks.push(await delivery.addWebhook({ url: `https://r${i}.example/` }));
  await delivery.publish(webhooks);
  await delivery.start();
  assert.equal(delivery.errors.length, 20);
  broken = false;
  await delivery.pass(1_000);
  assert.equal(delivery.receivers.requests.length, 20);
});
