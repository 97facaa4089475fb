import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryQueue } from '../store/store.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery, type TestDelivery } from './test-delivery.ts';

/* Where reads take time, an answer tells what was so when it was asked. Found by the simulation. */

/** Answers to these questions are on their way for as long as the test says. */
function slowly(...methods: ('loadLane' | 'readDue')[]) {
  let ms = 0;
  const late = async <Answer>(delivery: () => TestDelivery, answer: Promise<Answer>): Promise<Answer> => {
    const found = await answer;
    const delayMs = ms;
    if (delayMs > 0) await new Promise<void>((resolve) => delivery().clock.after(delayMs, resolve));
    return found;
  };
  return {
    wrap:
      (delivery: () => TestDelivery) =>
      (queue: DeliveryQueue): DeliveryQueue => ({
        ...queue,
        ...(methods.includes('loadLane') && { loadLane: (lane) => late(delivery, queue.loadLane(lane)) }),
        ...(methods.includes('readDue') && { readDue: (query) => late(delivery, queue.readDue(query)) }),
      }),
    take: (delayMs: number) => {
      ms = delayMs;
    },
  };
}

test('a test goes as its webhook is now, also while it is being read', async (t) => {
  const reads = slowly('loadLane');
  const delivery: TestDelivery = await openTestDelivery(t, { wrap: reads.wrap(() => delivery) });
  const { pass } = delivery;
  const webhook = await delivery.addWebhook();
  await delivery.start();
  await delivery.publish(webhook);
  reads.take(1_000);
  const changed = await delivery.change(webhook, { url: 'https://b.example/hook' });
  await pass();
  const version = delivery.engine.configuredLane(laneOf(changed)).then((lane) => lane?.webhook?.version);
  await pass(2_000);
  assert.equal(await version, 2);
});

test('an answer about a webhook that comes late does not replace a newer one', async (t) => {
  const reads = slowly('loadLane');
  const delivery: TestDelivery = await openTestDelivery(t, { wrap: reads.wrap(() => delivery) });
  const { receivers, pass } = delivery;
  const webhook = await delivery.addWebhook();
  await delivery.start();
  await delivery.publish(webhook);
  reads.take(5_000);
  const second = await delivery.change(webhook, { url: 'https://b.example/hook' });
  await pass(1_000);
  reads.take(0);
  const third = await delivery.change(second, { url: 'https://c.example/hook' });
  const version = delivery.engine.configuredLane(laneOf(third)).then((lane) => lane?.webhook?.version);
  await pass(10_000);
  assert.equal(await version, 3);
  await delivery.publish(third, 2);
  await pass(1_000);
  assert.deepEqual([receivers.sentTo('b.example').length, receivers.sentTo('c.example').length], [0, 2]);
});

test('what was read while no order was kept is read again when one is', async (t) => {
  const reads = slowly('readDue');
  const delivery: TestDelivery = await openTestDelivery(t, { wrap: reads.wrap(() => delivery) });
  const { receivers, pass } = delivery;
  let isWell = false;
  receivers.behave('a.example', () => answered(isWell ? 200 : 500));
  const retry_policy = { retry_delay: 60, jitter: 0 };
  const ordered = await delivery.addWebhook({ ordering: 'run', retry_policy });
  await delivery.start();
  const ids = await delivery.publish(ordered, 2);
  await pass(1_000);
  assert.deepEqual(receivers.sentTo('a.example'), ids.slice(0, 1), 'its retry holds up the other');
  isWell = true;
  reads.take(2_000);
  const unordered = await delivery.change(ordered, { ordering: null });
  await pass(1_000);
  // Its configuration is known before the answer of the queue is there.
  const again = await delivery.change(unordered, { ordering: 'run' });
  await delivery.engine.configuredLane(laneOf(again));
  await pass(30_000);
  assert.equal(receivers.sentTo('a.example').length, 1);
  reads.take(0);
  await pass(120_000);
  assert.deepEqual(receivers.sentTo('a.example').slice(1), ids);
});
