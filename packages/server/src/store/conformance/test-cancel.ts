import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoreHarness } from './harness.ts';
import { idsOf, Scene } from './scene.ts';

/** Giving up what waits. */
export function testCancel(harness: StoreHarness): void {
  describe('cancel', () => {
    const scene = new Scene(harness);
    const reason = 'cancelled by request';

    it('cancels the delivery that is named, and no other', async () => {
      const lane = await scene.lane();
      const [first, second, third] = await scene.owe(lane, 3);
      assert.ok(first && second && third);
      const before = await scene.delivery(lane, second);
      scene.clock.step(2_000);
      assert.equal(await scene.store.cancel({ lane, deliveryId: second, limit: 3, reason }), 1);
      const cancelled = { state: 'cancelled', reason, dueAt: null, finishedAt: scene.clock.now() };
      assert.deepEqual(await scene.delivery(lane, second), { ...before, ...cancelled });
      assert.deepEqual(idsOf(await scene.waiting(lane)), [first, third]);
      assert.equal(await scene.store.cancel({ lane, deliveryId: second, limit: 1, reason: 'again' }), 0);
      assert.equal((await scene.delivery(lane, second)).reason, reason);
    });

    it('keeps what was tried before', async () => {
      const lane = await scene.lane();
      await scene.owe(lane);
      const delivery = await scene.take(lane);
      await scene.settle(delivery, { state: 'pending', dueAt: scene.clock.now() + 1_000 });
      assert.equal(await scene.store.cancel({ lane, deliveryId: delivery.id, limit: 1, reason }), 1);
      const { state, attempts, lastStatus } = await scene.delivery(lane, delivery.id);
      assert.deepEqual([state, attempts, lastStatus], ['cancelled', 1, 500]);
      assert.equal((await scene.read((reads) => reads.listAttempts(lane.workspaceId, delivery.id))).length, 1);
      assert.deepEqual(await scene.waiting(lane), []);
    });

    it('cancels up to a number of deliveries of a lane, of every class', async () => {
      const lane = await scene.lane();
      const neighbour = await scene.lane(lane.workspaceId);
      await scene.owe(neighbour, 2);
      const all = await scene.owe(lane, 7);
      const [retry, failed] = await scene.due(lane, 0);
      assert.ok(retry && failed);
      await scene.settle(retry, { state: 'pending', dueAt: scene.clock.now() + 86_400_000 });
      await scene.settle(failed, { state: 'failed', reason: 'gave up' });
      await scene.store.requeue(lane, failed.id);
      assert.equal(await scene.store.cancel({ lane, limit: 3, reason }), 3);
      assert.equal((await scene.waiting(lane)).length, 4);
      assert.equal(await scene.store.cancel({ lane, limit: 3, reason }), 3);
      assert.equal(await scene.store.cancel({ lane, limit: 3, reason }), 1);
      assert.equal(await scene.store.cancel({ lane, limit: 3, reason }), 0);
      assert.deepEqual(await scene.waiting(lane), []);
      for (const id of all) {
        const { state, reason: why } = await scene.delivery(lane, id);
        assert.deepEqual([state, why], ['cancelled', reason]);
      }
      assert.equal((await scene.waiting(neighbour)).length, 2);
    });

    it('cancels nothing that is over, unknown, or of another lane', async () => {
      const delivered = await scene.ended('delivered');
      const failed = await scene.ended('failed');
      const lane = await scene.lane();
      const [id] = await scene.owe(await scene.lane(lane.workspaceId));
      for (const [where, deliveryId] of [
        [delivered.lane, delivered.id],
        [failed.lane, failed.id],
        [lane, 'del_unknown'],
        [lane, id ?? ''],
      ] as const) {
        assert.equal(await scene.store.cancel({ lane: where, deliveryId, limit: 9, reason }), 0, deliveryId);
      }
      assert.equal((await scene.delivery(delivered.lane, delivered.id)).state, 'delivered');
      assert.equal((await scene.delivery(failed.lane, failed.id)).state, 'failed');
      assert.equal((await scene.delivery(lane, id ?? '')).state, 'pending');
    });

    it('cancels nothing if it may cancel none', async () => {
      const lane = await scene.lane();
      await scene.owe(lane, 2);
      assert.equal(await scene.store.cancel({ lane, limit: 0, reason }), 0);
      assert.equal((await scene.waiting(lane)).length, 2);
    });
  });
}
