import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PruneResult, PruneStep } from '../store/store.ts';
import { createFakeClock } from '../test/fake-clock.ts';
import { Pruner } from './prune.ts';
import { laneOf, openTestDelivery } from './test-delivery.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** A pruner on a store of which each step is answered by hand. */
function openPruner(answer: (step: PruneStep, count: number) => { next: number | null; tookMs?: number }) {
  const clock = createFakeClock();
  const steps: (PruneStep & { at: number })[] = [];
  const errors: unknown[] = [];
  const prune = async (step: PruneStep): Promise<PruneResult> => {
    const { next, tookMs = 0 } = answer(step, steps.push({ ...step, at: clock.monotonic() }));
    if (tookMs > 0) await new Promise<void>((resolve) => clock.after(tookMs, resolve));
    return { next, events: 0, deliveries: 0, jobs: 0 };
  };
  const pruner = new Pruner({
    store: { prune },
    clock,
    retentionMs: 30 * DAY_MS,
    onError: (error) => errors.push(error),
  });
  return { clock, steps, errors, pruner };
}

test('goes round once an hour, step by step, each time for what is older than the retention by then', async () => {
  const { clock, steps, pruner } = openPruner(({ after }) => ({ next: after < 400 ? after + 200 : null }));
  const from = clock.now();
  pruner.start();
  await clock.advance(59_999);
  assert.equal(steps.length, 0);
  await clock.advance(HOUR_MS + 60_000);
  assert.deepEqual(
    steps.map(({ after, limit }) => [after, limit]),
    [0, 200, 400, 0, 200, 400].map((after) => [after, 200]),
  );
  const before = from + 60_000 - 30 * DAY_MS;
  assert.deepEqual(
    steps.map((step) => step.before - before),
    [0, 0, 0, HOUR_MS + 40, HOUR_MS + 40, HOUR_MS + 40],
  );
  await pruner.stop();
  assert.equal(clock.timers, 0);
});

test('steps aside while the store is busy: a step that takes long is followed by a rest of nine times that', async () => {
  const { clock, steps, pruner } = openPruner((_step, count) => ({ next: count, tookMs: count === 2 ? 300 : 0 }));
  pruner.start();
  await clock.advance(60_000 + 4_000);
  const [first = 0, ...later] = steps.map(({ at }) => at - 60_000);
  assert.deepEqual([first, ...later.slice(0, 3)], [0, 20, 20 + 300 + 2_700, 20 + 300 + 2_700 + 20]);
  await pruner.stop();
});

test('goes on where it was after an error', async () => {
  const { clock, steps, errors, pruner } = openPruner((_step, count) => {
    if (count === 2) throw new Error('the disk is full');
    return { next: count === 1 ? 200 : null };
  });
  pruner.start();
  await clock.advance(70_000);
  assert.equal(errors.length, 1);
  assert.deepEqual(
    steps.map(({ after }) => after),
    [0, 200, 200],
  );
  await pruner.stop();
});

test('removes what was delivered long ago, keeps what is owed, and holds up no delivery', async (t) => {
  const delivery = await openTestDelivery(t);
  const { store, clock, receivers, pass, workspaceId } = delivery;
  const webhook = await delivery.addWebhook();
  const inactive = await delivery.addWebhook({ url: 'https://b.example/hook', active: false });
  await delivery.start();
  const delivered = await delivery.publish(webhook, 300);
  const held = await delivery.publish(inactive, 300);
  await pass(1_000);
  const pruner = new Pruner({
    store,
    clock,
    retentionMs: 30 * DAY_MS,
    onError: (error) => delivery.errors.push(error),
  });
  pruner.start();
  await pass(HOUR_MS);
  assert.equal((await delivery.delivery(delivered[0] ?? '')).state, 'delivered', 'not yet');
  clock.jump(31 * DAY_MS);
  await delivery.publish(webhook, 1);
  await pass(2 * HOUR_MS);
  const listed = await store.listDeliveries({ workspaceId, limit: 1_000 });
  assert.deepEqual(new Set(listed.map(({ state }) => state)), new Set(['pending', 'delivered']));
  assert.equal(listed.filter(({ state }) => state === 'delivered').length, 1, 'the young one');
  await delivery.change(inactive, { active: true });
  await pass(60_000);
  assert.deepEqual(new Set(receivers.sentTo('b.example')), new Set(held));
  assert.equal(await store.nextDueAt(laneOf(inactive), 0), null);
  await pruner.stop();
});
