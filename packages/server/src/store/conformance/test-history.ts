import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { Delivery, DeliveryQuery } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { answered, plannedEvent, REFUSED, SAMPLE_AT, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** Lists and single reads, for people. */
export function testHistory(harness: StoreHarness): void {
  describe('history', () => {
    const scene = new Scene(harness);
    let a: Lane;
    let b: Lane;
    /** Oldest first. */
    const made: Delivery[] = [];
    const eventIds: string[] = [];

    before(async () => {
      a = await scene.lane();
      b = await scene.lane(a.workspaceId);
      for (const [i, runId] of ['run_1', 'run_1', 'run_2', null].entries()) {
        const planned = plannedEvent([a, b], { runId, acceptedAt: SAMPLE_AT + i * 1_000 });
        eventIds.push(planned.event.id);
        await scene.store.record(submission([planned]));
      }
      const [a0, a1, a2] = await scene.due(a, 0);
      const [b0, b1] = await scene.due(b, 0);
      assert.ok(a0 && a1 && a2 && b0 && b1);
      await scene.settle(a0, { state: 'delivered' });
      await scene.settle(a1, { state: 'failed', reason: 'gone' }, { result: answered(410) });
      await scene.settle(a2, { state: 'pending', dueAt: scene.clock.now() + 60_000 });
      await scene.settle(b0, { state: 'failed', reason: 'nobody listens' }, { result: REFUSED });
      await scene.store.cancel({ lane: b, deliveryId: b1.id, limit: 1, reason: 'test' });
      for (const eventId of eventIds) {
        const caused = await scene.store.listDeliveries({ workspaceId: a.workspaceId, eventId, limit: 9 });
        made.push(...caused.toReversed());
      }
      assert.deepEqual(
        made.map(({ state }) => state),
        ['delivered', 'failed', 'failed', 'cancelled', 'pending', 'pending', 'pending', 'pending'],
      );
    });

    const list = (query: Partial<DeliveryQuery> = {}) =>
      scene.read((reads) => reads.listDeliveries({ workspaceId: a.workspaceId, limit: 99, ...query }));
    const positions = async (query: Partial<DeliveryQuery>) =>
      (await list(query)).map(({ id }) => made.findIndex((delivery) => delivery.id === id));

    it('lists deliveries newest first, each as it is read alone', async () => {
      assert.deepEqual(await list(), made.toReversed());
      for (const delivery of made) assert.deepEqual(await scene.delivery(a, delivery.id), delivery);
    });

    it('lists page by page', async () => {
      for (const limit of [1, 3, 8]) {
        const found: string[] = [];
        for (let page = await list({ limit }); page.length > 0; ) {
          assert.ok(page.length <= limit);
          found.push(...idsOf(page));
          page = await list({ limit, before: found.at(-1) ?? '' });
        }
        assert.deepEqual(found, idsOf(made).toReversed());
      }
    });

    it('lists what has a state', async () => {
      assert.deepEqual(await positions({ state: 'pending' }), [7, 6, 5, 4]);
      assert.deepEqual(await positions({ state: 'delivered' }), [0]);
      assert.deepEqual(
        await positions({ state: 'failed' }),
        [2, 1].toSorted((x, y) => y - x),
      );
      assert.deepEqual(await positions({ state: 'cancelled' }), [3]);
    });

    it('lists what is of a webhook, an event or a run', async () => {
      assert.deepEqual(await positions({ webhookId: a.webhookId }), [6, 4, 2, 0]);
      assert.deepEqual(await positions({ webhookId: b.webhookId, limit: 1 }), [7]);
      assert.deepEqual(await positions({ webhookId: newId('wh') }), []);
      assert.deepEqual(await positions({ eventId: eventIds[1] ?? '' }), [3, 2]);
      assert.deepEqual(await positions({ runId: 'run_1' }), [3, 2, 1, 0]);
      assert.deepEqual(await positions({ runId: 'run_2' }), [5, 4]);
      assert.deepEqual(await positions({ runId: 'run_' }), []);
    });

    it('lists what was answered so at last', async () => {
      assert.deepEqual(await positions({ status: 200 }), [0]);
      assert.deepEqual(await positions({ status: 410 }), [2]);
      assert.deepEqual(await positions({ status: 500 }), [4]);
      assert.deepEqual(await positions({ status: 401 }), [], 'only the last exchange of an attempt counts');
    });

    it('lists what was created from an instant on, and before another', async () => {
      assert.deepEqual(await positions({ createdFrom: SAMPLE_AT + 2_000 }), [7, 6, 5, 4]);
      assert.deepEqual(await positions({ createdFrom: SAMPLE_AT + 2_001 }), [7, 6]);
      assert.deepEqual(await positions({ createdTo: SAMPLE_AT + 1_000 }), [1, 0]);
      assert.deepEqual(await positions({ createdTo: SAMPLE_AT + 1_001 }), [3, 2, 1, 0]);
      assert.deepEqual(await positions({ createdFrom: SAMPLE_AT + 1_000, createdTo: SAMPLE_AT + 2_000 }), [3, 2]);
    });

    it('lists what fits every condition', async () => {
      assert.deepEqual(await positions({ webhookId: a.webhookId, state: 'pending' }), [6, 4]);
      assert.deepEqual(await positions({ webhookId: a.webhookId, state: 'pending', runId: 'run_2' }), [4]);
      assert.deepEqual(await positions({ state: 'pending', before: made[6]?.id ?? '', limit: 2 }), [5, 4]);
      assert.deepEqual(await positions({ state: 'failed', status: 410, eventId: eventIds[1] ?? '' }), [2]);
      assert.deepEqual(await positions({ state: 'failed', status: 200 }), []);
      assert.deepEqual(await positions({ runId: 'run_1', createdFrom: SAMPLE_AT + 1, webhookId: b.webhookId }), [3]);
    });

    it('lists attempts by their number', async () => {
      const lane = await scene.lane();
      const [id] = await scene.owe(lane);
      for (let number = 1; number <= 12; number += 1) {
        await scene.settle(await scene.take(lane), { state: 'pending', dueAt: scene.clock.now() + number });
      }
      const listed = await scene.read((reads) => reads.listAttempts(lane.workspaceId, id ?? ''));
      assert.deepEqual(
        listed.map(({ number }) => number),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
      );
    });

    it('knows nothing of an unknown delivery', async () => {
      assert.equal(await scene.read((reads) => reads.getDelivery(a.workspaceId, newId('del'))), null);
      assert.deepEqual(await scene.read((reads) => reads.listAttempts(a.workspaceId, newId('del'))), []);
    });
  });
}
