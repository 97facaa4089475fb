import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { StoreHarness } from './harness.ts';
import { answered, sampleTest } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** The two ways back: trying a delivery again under its id, and owing its event once more under a new one. */
export function testRequeue(harness: StoreHarness): void {
  const attemptNumbers = async (scene: Scene, lane: Lane, id: string) =>
    (await scene.read((reads) => reads.listAttempts(lane.workspaceId, id))).map(({ number }) => number);

  describe('requeue', () => {
    const scene = new Scene(harness);

    for (const state of ['failed', 'cancelled'] as const) {
      it(`puts back what is ${state}: due now, with a fresh schedule, attempt numbers go on`, async () => {
        const { lane, id } = await scene.ended(state);
        const before = await scene.delivery(lane, id);
        scene.clock.step(3_600_000);
        assert.equal(await scene.store.requeue(lane, id), true);
        const { reason: _, ...after } = await scene.delivery(lane, id);
        const { reason: __, ...expected } = before;
        const dueAt = scene.clock.now();
        assert.deepEqual(after, { ...expected, state: 'pending', dueAt, finishedAt: null });
        const delivery = await scene.take(lane);
        assert.deepEqual([delivery.class, delivery.attempts, delivery.seriesFrom], [2, 1, 1]);
        await scene.settle(delivery, { state: 'pending', dueAt: dueAt + 5_000 });
        const retry = await scene.take(lane);
        assert.deepEqual([retry.class, retry.attempts, retry.seriesFrom], [1, 2, 1]);
        await scene.settle(retry, { state: 'failed', reason: 'gave up again' });
        assert.deepEqual(await attemptNumbers(scene, lane, id), [1, 2, 3]);
        assert.equal(await scene.store.requeue(lane, id), true);
        assert.equal((await scene.take(lane)).seriesFrom, 3);
      });
    }

    it('puts back what was given up at the fallback where it went at first, and replays it there', async () => {
      const lane = await scene.lane();
      const [id = ''] = await scene.owe(lane);
      await scene.settle(await scene.take(lane), { state: 'pending', dueAt: scene.clock.now(), atFallback: true });
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up there as well' });
      assert.equal(await scene.store.replay(lane, id, 'del_anew'), true);
      assert.equal(await scene.store.requeue(lane, id), true);
      for (const delivery of await scene.waiting(lane)) {
        assert.equal(delivery.atFallback, false);
        assert.equal((await scene.delivery(lane, delivery.id)).atFallback, false);
      }
      assert.deepEqual(new Set(idsOf(await scene.waiting(lane))), new Set([id, 'del_anew']));
    });

    it('puts nothing back that waits or was delivered, is unknown, or of another lane', async () => {
      const delivered = await scene.ended('delivered');
      const failed = await scene.ended('failed');
      const lane = await scene.lane();
      const [waiting] = await scene.owe(lane);
      assert.ok(waiting);
      const other = await scene.lane(failed.lane.workspaceId);
      const before = await scene.waiting(lane);
      assert.equal(await scene.store.requeue(delivered.lane, delivered.id), false);
      assert.equal(await scene.store.requeue(lane, waiting), false);
      assert.equal(await scene.store.requeue(lane, 'del_unknown'), false);
      assert.equal(await scene.store.requeue(other, failed.id), false);
      assert.deepEqual(await scene.waiting(lane), before);
      assert.equal((await scene.delivery(failed.lane, failed.id)).state, 'failed');
      assert.equal((await scene.delivery(delivered.lane, delivered.id)).state, 'delivered');
    });

    it('puts a delivery back once', async () => {
      const { lane, id } = await scene.ended('failed');
      const results = await Promise.all([1, 2, 3].map(() => scene.store.requeue(lane, id)));
      assert.equal(results.filter(Boolean).length, 1);
      assert.deepEqual(idsOf(await scene.waiting(lane)), [id]);
    });
  });

  describe('replay', () => {
    const scene = new Scene(harness);

    for (const state of ['delivered', 'failed', 'cancelled'] as const) {
      it(`owes the event of what is ${state} again, as a new delivery`, async () => {
        const { lane, id } = await scene.ended(state);
        const before = await scene.delivery(lane, id);
        const newDeliveryId = newId('del');
        scene.clock.step(3_600_000);
        assert.equal(await scene.store.replay(lane, id, newDeliveryId), true);
        assert.deepEqual(await scene.delivery(lane, id), before, 'the old one stays as it was');
        const now = scene.clock.now();
        const fresh = { origin: 'replay', state: 'pending', reason: null, attempts: 0, lastStatus: null };
        const times = { createdAt: now, dueAt: now, finishedAt: null };
        assert.deepEqual(await scene.delivery(lane, newDeliveryId), {
          ...before,
          id: newDeliveryId,
          ...fresh,
          ...times,
        });
        assert.deepEqual(idsOf(await scene.due(lane, 2)), [newDeliveryId]);
        await scene.settle(await scene.take(lane), { state: 'delivered' });
        assert.deepEqual(await attemptNumbers(scene, lane, newDeliveryId), [1]);
        assert.deepEqual(await attemptNumbers(scene, lane, id), [1]);
      });
    }

    it('replays a replay, and the event of a test', async () => {
      const { lane, id } = await scene.ended('delivered');
      const [second, third, fourth] = [newId('del'), newId('del'), newId('del')];
      await scene.store.replay(lane, id, second);
      await scene.settle(await scene.take(lane), { state: 'delivered' }, { result: answered(200) });
      assert.equal(await scene.store.replay(lane, second, third), true);
      const test = sampleTest(lane);
      await scene.store.recordTest(test);
      assert.equal(await scene.store.replay(lane, test.deliveryId, fourth), true);
      const waiting = await scene.waiting(lane);
      assert.deepEqual(idsOf(waiting), [third, fourth]);
      assert.equal(waiting[1]?.event.id, test.event.id);
    });

    it('replays nothing that waits, is unknown, or of another lane', async () => {
      const { lane: over, id } = await scene.ended('delivered');
      const lane = await scene.lane(over.workspaceId);
      const [waiting] = await scene.owe(lane);
      assert.equal(await scene.store.replay(lane, waiting ?? '', newId('del')), false);
      assert.equal(await scene.store.replay(lane, 'del_unknown', newId('del')), false);
      assert.equal(await scene.store.replay(lane, id, newId('del')), false);
      assert.deepEqual(idsOf(await scene.waiting(lane)), [waiting]);
      assert.deepEqual(await scene.waiting(over), []);
    });

    it('does not put a replay in the place of a delivery that exists', async () => {
      const { lane, id } = await scene.ended('delivered');
      const before = await scene.delivery(lane, id);
      await assert.rejects(scene.store.replay(lane, id, id));
      assert.deepEqual(await scene.delivery(lane, id), before);
      assert.deepEqual(await scene.waiting(lane), []);
    });
  });
}
