import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailableError } from '../errors.ts';
import type { DeliveryQueue, Wake } from '../store/store.ts';
import { answered } from './fake-send.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

/* What happens while a write is on its way to the disk, or news of it on its way to the engine. Found by the simulation. */

/** Holds news back until it is let through. */
function heldNews() {
  const held: (() => void)[] = [];
  let isHeld = false;
  return {
    wrap: (queue: DeliveryQueue): DeliveryQueue => ({
      ...queue,
      onWake: (listener) =>
        queue.onWake((wakes: readonly Wake[]) => (isHeld ? held.push(() => listener(wakes)) : listener(wakes))),
    }),
    hold: () => {
      isHeld = true;
    },
    letThrough: () => {
      isHeld = false;
      for (const tell of held.splice(0)) tell();
    },
  };
}

test('a retry that a read came past while it was on its way to the disk is sent when it is due', async (t) => {
  const slow = { ms: 0 };
  const delivery = await openTestDelivery(t, {
    wrap: (queue) => ({
      ...queue,
      async settle(settlement) {
        const { ms } = slow;
        const written = await queue.settle(settlement);
        if (ms > 0) await new Promise<void>((resolve) => delivery.clock.after(ms, resolve));
        return written;
      },
    }),
  });
  const { receivers, pass } = delivery;
  receivers.behave('a.example', ({ headers }) => answered(headers['x-broxi-attempt'] === '2' ? 200 : 429));
  const webhook = await delivery.addWebhook({ retry_policy: { retry_delay: 0.1, jitter: 0 } });
  await delivery.start();
  slow.ms = 1_000;
  const [slowOne = ''] = await delivery.publish(webhook);
  slow.ms = 0;
  await pass(50);
  // Its retry is read at 150 ms, and the slow one, which is due at 100 ms, with it.
  const [other = ''] = await delivery.publish(webhook);
  await pass(1_450);
  assert.deepEqual(receivers.sentTo('a.example'), [slowOne, other, other, slowOne]);
});

test('what was cancelled before news of it came is not sent', async (t) => {
  const news = heldNews();
  const delivery = await openTestDelivery(t, { wrap: news.wrap });
  const { receivers, pass, commit } = delivery;
  const webhook = await delivery.addWebhook();
  await delivery.start();
  await delivery.publish(webhook);
  news.hold();
  const [id = ''] = await delivery.publish(webhook);
  const outcome = await commit(
    delivery.engine.cancel(laneOf(webhook), id).then((cancelled) => {
      news.letThrough();
      return cancelled;
    }),
  );
  await pass();
  assert.equal(outcome, 'cancelled');
  assert.ok(!receivers.sentTo('a.example').includes(id));
});

test('a 410 that comes while the webhook gets another URL does not keep the new one from being sent to', async (t) => {
  const news = heldNews();
  const delivery = await openTestDelivery(t, { wrap: news.wrap });
  const { receivers, pass } = delivery;
  receivers.behave('a.example', () => 'hang');
  const webhook = await delivery.addWebhook();
  await delivery.start();
  const [id = ''] = await delivery.publish(webhook);
  news.hold();
  await delivery.change(webhook, { url: 'https://b.example/hook' });
  receivers.requests[0]?.answer(answered(410));
  await pass();
  news.letThrough();
  await pass(1_000);
  assert.deepEqual(receivers.sentTo('b.example'), [id]);
});

test('a person who resumes has the last word, also about a 410 whose outcome is still to be written', async (t) => {
  let isFull = false;
  const delivery = await openTestDelivery(t, {
    wrap: (queue) => ({
      ...queue,
      settle: async (settlement) => {
        if (isFull) throw new StoreUnavailableError('full', undefined);
        return await queue.settle(settlement);
      },
    }),
  });
  const { receivers, pass, store } = delivery;
  receivers.behave('a.example', () => answered(410));
  const webhook = await delivery.addWebhook();
  await delivery.start();
  isFull = true;
  const [id = ''] = await delivery.publish(webhook);
  await pass(20);
  receivers.behave('a.example', () => answered(200));
  await delivery.changeHold(webhook, 'resume');
  isFull = false;
  await pass(10_000);
  assert.equal((await store.loadLane(laneOf(webhook)))?.hold.disabledAt, null);
  assert.equal((await delivery.delivery(id)).state, 'delivered');
});
