import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newId } from '../../ids.ts';
import type { IdempotencyKey, StoreCounters } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { plannedEvent, sampleAudit, sampleTest, submission } from './samples.ts';
import { Scene } from './scene.ts';

/** What was counted since the store was opened. */
export function testCounters(harness: StoreHarness): void {
  describe('counters', () => {
    const scene = new Scene(harness);
    /** What `act` adds to them, commits aside. */
    const added = async (act: () => Promise<unknown>): Promise<Partial<StoreCounters>> => {
      const before = await scene.store.counters();
      await act();
      const after = await scene.store.counters();
      const names = Object.keys(after) as (keyof StoreCounters)[];
      const changes = names.map((name) => [name, after[name] - before[name]] as const);
      return Object.fromEntries(changes.filter(([name, change]) => name !== 'commits' && change !== 0));
    };
    const idempotency: IdempotencyKey = { scope: 'POST /v1/events', key: 'k', bodyHash: 'h' };

    it('counts events and deliveries that were recorded', async () => {
      const a = await scene.lane();
      const b = await scene.lane(a.workspaceId);
      const request = () => submission([plannedEvent([a, b]), plannedEvent([a])], { idempotency });
      const recorded = { eventsAccepted: 2, deliveriesCreated: 3, pending: 3 };
      assert.deepEqual(await added(() => scene.store.record(request())), recorded);
      assert.deepEqual(await added(() => scene.store.record(request())), {}, 'a repetition is none');
      assert.deepEqual(await added(() => scene.store.recordTest(sampleTest(a))), {}, 'nor is a test');
    });

    it('counts outcomes by what came next', async () => {
      const lane = await scene.lane();
      await scene.owe(lane, 4);
      const [a, b, c] = await scene.due(lane, 0);
      assert.ok(a && b && c);
      assert.deepEqual(await added(() => scene.settle(a, { state: 'delivered' })), {
        settledDelivered: 1,
        pending: -1,
      });
      assert.deepEqual(await added(() => scene.settle(b, { state: 'failed', reason: 'x' })), {
        settledFailed: 1,
        pending: -1,
      });
      assert.deepEqual(await added(() => scene.settle(c, { state: 'pending', dueAt: 7 })), { settledRetried: 1 });
      assert.deepEqual(await added(() => scene.settle(a, { state: 'delivered' })), {}, 'lost to the fence');
      const cancelling = () => scene.store.cancel({ lane, limit: 9, reason: 'test' });
      assert.deepEqual(await added(cancelling), { settledCancelled: 2, pending: -2 });
      assert.deepEqual(await added(cancelling), {});
    });

    it('counts what is put back, and a replay as a new one', async () => {
      const putBack = { deliveriesPutBack: 1, pending: 1 };
      const failed = await scene.ended('failed');
      const cancelled = await scene.ended('cancelled');
      const { lane, id } = await scene.ended('delivered');
      assert.deepEqual(await added(() => scene.store.requeue(failed.lane, failed.id)), putBack);
      assert.deepEqual(await added(() => scene.store.requeue(cancelled.lane, cancelled.id)), putBack);
      assert.deepEqual(await added(() => scene.store.requeue(lane, id)), {});
      assert.deepEqual(await added(() => scene.store.replay(lane, id, newId('del'))), {
        deliveriesCreated: 1,
        pending: 1,
      });
      assert.deepEqual(await added(() => scene.store.replay(lane, 'del_unknown', newId('del'))), {});
    });

    it('counts nothing that was refused', async () => {
      const lane = await scene.lane();
      const [id] = await scene.owe(lane);
      const event = plannedEvent([lane]);
      const test = sampleTest(lane, { deliveryId: id ?? '' });
      const over = await scene.ended('delivered');
      const good = plannedEvent([lane]);
      const refused = await added(async () => {
        await assert.rejects(scene.store.record(submission([event, event])));
        await assert.rejects(scene.store.recordTest(test));
        await assert.rejects(scene.store.replay(over.lane, over.id, over.id));
        await Promise.allSettled([
          scene.store.record(submission([event, event])),
          scene.store.record(submission([good])),
          scene.store.replay(over.lane, over.id, over.id),
        ]);
      });
      assert.deepEqual(refused, { eventsAccepted: 1, deliveriesCreated: 1, pending: 1 }, 'one of them was good');
    });

    it('counts commits', async () => {
      const workspaceId = await scene.workspace();
      const { commits: before } = await scene.store.counters();
      for (let i = 0; i < 3; i += 1) await scene.store.appendAudit(sampleAudit(workspaceId));
      assert.equal((await scene.store.counters()).commits, before + 3);
    });
  });
}
