import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { PruneResult } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { JobRuns } from './job-runs.ts';
import { createManualClock } from './manual-clock.ts';
import { plannedEvent, sampleJob, sampleTest, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

const DAY_MS = 86_400_000;

/** Removing what is over and old. */
export function testRetention(harness: StoreHarness): void {
  describe('retention', () => {
    // Ids carry the present time: what has got old by the scene's clock is old by its id, too.
    const scene = new Scene(harness, createManualClock(Date.now()));
    /** Takes steps to the end. @returns each */
    const prune = async (before: number, limit = 100): Promise<PruneResult[]> => {
      const results: PruneResult[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const result: PruneResult = await scene.store.prune({ before, after, limit });
        results.push(result);
        after = result.next;
        assert.ok(results.length < 1_000, 'it comes to an end');
      }
      return results;
    };
    /** An event, now, owed to these lanes. */
    const record = async (...lanes: [Lane, ...Lane[]]) => {
      const planned = plannedEvent(lanes, { acceptedAt: scene.clock.now() });
      await scene.store.record(submission([planned]));
      return { eventId: planned.event.id, ids: idsOf(planned.deliveries) };
    };
    /** The last event and delivery of all stay; none of a test is to be one of them. */
    const recordLast = async () => record(await scene.lane());
    const isKept = async (lane: Lane, { eventId, ids }: { eventId: string; ids: string[] }) => {
      const { workspaceId } = lane;
      const event = await scene.read((reads) => reads.getEvent(workspaceId, eventId));
      const listed = await scene.read((reads) => reads.listDeliveries({ workspaceId, eventId, limit: 99 }));
      const attempts = await Promise.all(ids.map((id) => scene.read((reads) => reads.listAttempts(workspaceId, id))));
      return { event: event !== null, deliveries: listed.length, attempts: attempts.flat().length };
    };
    const NOTHING = { event: false, deliveries: 0, attempts: 0 };

    it('removes an event that is old and over, with its deliveries and attempts, and leaves what is younger', async () => {
      const lane = await scene.lane();
      const old = await record(lane);
      await scene.settle(await scene.take(lane), { state: 'pending', dueAt: scene.clock.now() });
      await scene.settle(await scene.take(lane), { state: 'delivered' });
      scene.clock.step(DAY_MS);
      const cutoff = scene.clock.now();
      const young = await record(lane);
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
      await recordLast();
      assert.deepEqual(await isKept(lane, old), { event: true, deliveries: 1, attempts: 2 });
      await prune(cutoff);
      assert.deepEqual(await isKept(lane, old), NOTHING);
      assert.deepEqual(await isKept(lane, young), { event: true, deliveries: 1, attempts: 1 });
      const { workspaceId } = lane;
      assert.deepEqual(idsOf(await scene.read((reads) => reads.listEvents({ workspaceId, limit: 9 }))), [
        young.eventId,
      ]);
      const listed = await scene.read((reads) => reads.listDeliveries({ workspaceId, limit: 9, state: 'failed' }));
      assert.deepEqual(idsOf(listed), young.ids);
      assert.equal(await scene.store.requeue(lane, old.ids[0] ?? ''), false);
      assert.equal(await scene.store.requeue(lane, young.ids[0] ?? ''), true);
    });

    it('never touches what is owed: an event goes only when every delivery of it is over', async () => {
      const [a, b] = [await scene.lane(), await scene.lane()];
      const c = await scene.lane(a.workspaceId);
      const mixed = await record(a, c);
      await scene.settle(await scene.take(a), { state: 'delivered' });
      const first = await record(b);
      const retried = await record(b);
      const [, retry] = await scene.due(b, 0);
      assert.ok(retry);
      await scene.settle(retry, { state: 'pending', dueAt: scene.clock.now() + 99 * DAY_MS });
      const failed = await record(b);
      const [, again] = await scene.due(b, 0);
      assert.ok(again);
      await scene.settle(again, { state: 'failed', reason: 'gave up' });
      await scene.store.requeue(b, again.id);
      await recordLast();
      const { pending } = await scene.store.counters();
      scene.clock.step(90 * DAY_MS);
      await prune(scene.clock.now());
      assert.deepEqual(await isKept(a, mixed), { event: true, deliveries: 2, attempts: 1 });
      assert.deepEqual(await isKept(b, first), { event: true, deliveries: 1, attempts: 0 });
      assert.deepEqual(await isKept(b, retried), { event: true, deliveries: 1, attempts: 1 });
      assert.deepEqual(await isKept(b, failed), { event: true, deliveries: 1, attempts: 1 });
      assert.equal((await scene.store.counters()).pending, pending);
      assert.deepEqual(idsOf(await scene.waiting(b)), [first.ids[0], retry.id, again.id]);
      for (const delivery of [...(await scene.waiting(b)), ...(await scene.waiting(c))]) {
        assert.equal(await scene.settle(delivery, { state: 'delivered' }), true);
      }
      scene.clock.step(DAY_MS);
      await prune(scene.clock.now());
      for (const [lane, each] of [
        [a, mixed],
        [b, first],
        [b, retried],
        [b, failed],
      ] as const) {
        assert.deepEqual(await isKept(lane, each), NOTHING);
      }
    });

    it('keeps what came to its end lately, however old its event is', async () => {
      const lane = await scene.lane();
      const held = await record(lane);
      scene.clock.step(60 * DAY_MS);
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
      await recordLast();
      scene.clock.step(DAY_MS);
      await prune(scene.clock.now() - 30 * DAY_MS);
      assert.deepEqual(await isKept(lane, held), { event: true, deliveries: 1, attempts: 1 });
      await prune(scene.clock.now());
      assert.deepEqual(await isKept(lane, held), NOTHING);
    });

    it('takes a member of a batch for as old as that is, and keeps a batch as long as any of its members', async () => {
      const lane = await scene.lane();
      const other = await scene.lane(lane.workspaceId);
      const plan = plannedEvent([lane, other], { acceptedAt: scene.clock.now() });
      const shared = { eventId: plan.event.id, ids: idsOf(plan.deliveries) };
      const deliveries = plan.deliveries.map((each, i) => (i === 0 ? { ...each, gathers: true as const } : each));
      await scene.store.record(submission([{ ...plan, deliveries }]));
      const [id = ''] = await scene.gather(lane);
      const { eventId = '' } = await scene.delivery(lane, id);
      const batch = await scene.form(lane);
      await recordLast();
      const [alone, whole] = [
        { eventId, ids: [id] },
        { eventId: batch.event.id, ids: [batch.id] },
      ];
      const ONE = { event: true, deliveries: 1, attempts: 0 };
      scene.clock.step(60 * DAY_MS);
      await prune(scene.clock.now());
      assert.deepEqual(await isKept(lane, alone), ONE, 'it is owed');
      await scene.settle(batch, { state: 'delivered' });
      scene.clock.step(DAY_MS);
      await prune(scene.clock.now() - 30 * DAY_MS);
      assert.deepEqual(await isKept(lane, alone), ONE, 'its batch was over lately');
      scene.clock.step(60 * DAY_MS);
      await prune(scene.clock.now() - 30 * DAY_MS);
      assert.deepEqual(await isKept(lane, alone), NOTHING);
      assert.deepEqual(await isKept(lane, shared), { ...ONE, deliveries: 2 }, 'another webhook is owed it');
      assert.deepEqual(await isKept(lane, whole), { ...ONE, attempts: 1 });
      await scene.settle(await scene.take(other), { state: 'delivered' });
      scene.clock.step(60 * DAY_MS);
      await prune(scene.clock.now() - 30 * DAY_MS);
      assert.deepEqual(await isKept(lane, shared), NOTHING);
      assert.deepEqual(await isKept(lane, whole), NOTHING);
    });

    it('keeps a member whose batch went on in another that is owed', async () => {
      const lane = await scene.lane();
      const [id = ''] = await scene.gather(lane);
      const { eventId } = await scene.delivery(lane, id);
      const batch = await scene.form(lane);
      const start = { state: 'pending', dueAt: scene.clock.now() + 1 } as const;
      const more = { id: newId('del'), eventId: newId('evt'), dataText: batch.event.dataText, members: [id] };
      const successor = { ...more, formedAt: scene.clock.now(), atFallback: false, attemptsUsed: 1, start };
      await scene.settle(batch, { state: 'delivered' }, { successors: [successor] });
      await recordLast();
      scene.clock.step(60 * DAY_MS);
      await prune(scene.clock.now());
      assert.deepEqual(await isKept(lane, { eventId, ids: [id] }), { event: true, deliveries: 1, attempts: 0 });
      assert.equal(await scene.read((reads) => reads.getDelivery(lane.workspaceId, batch.id)), null);
      assert.deepEqual(idsOf(await scene.waiting(lane)), [successor.id]);
    });

    it('keeps what failed while something waits behind it in its run', async () => {
      const lane = await scene.lane();
      const inRun = async () => {
        const planned = plannedEvent([lane], { acceptedAt: scene.clock.now() });
        const deliveries = planned.deliveries.map((each) => ({ ...each, run: 'run_1' }));
        await scene.store.record(submission([{ ...planned, deliveries }]));
        return { eventId: planned.event.id, ids: idsOf(deliveries) };
      };
      const blocking = await inRun();
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
      const waiting = await inRun();
      const elsewhere = await scene.ended('failed');
      await recordLast();
      scene.clock.step(90 * DAY_MS);
      await prune(scene.clock.now());
      assert.deepEqual(await isKept(lane, blocking), { event: true, deliveries: 1, attempts: 1 });
      const { workspaceId } = elsewhere.lane;
      assert.equal(await scene.read((reads) => reads.getDelivery(workspaceId, elsewhere.id)), null);
      await scene.store.cancel({ lane, deliveryId: waiting.ids[0] ?? '', limit: 1, reason: 'test' });
      await prune(scene.clock.now());
      assert.deepEqual(await isKept(lane, blocking), NOTHING);
    });

    it('removes what nobody was owed, and tests', async () => {
      const lane = await scene.lane();
      const alone = plannedEvent([lane], { acceptedAt: scene.clock.now() });
      await scene.store.record(submission([{ ...alone, deliveries: [] }]));
      const test = sampleTest(lane);
      await scene.store.recordTest(test);
      await recordLast();
      await prune(scene.clock.now());
      assert.equal((await isKept(lane, { eventId: alone.event.id, ids: [] })).event, true, 'it is not old yet');
      scene.clock.step(DAY_MS);
      await prune(scene.clock.now());
      assert.deepEqual(await isKept(lane, { eventId: alone.event.id, ids: [] }), NOTHING);
      assert.deepEqual(await isKept(lane, { eventId: test.event.id, ids: [test.deliveryId] }), NOTHING);
    });

    it('removes jobs that are over and old', async () => {
      const workspaceId = await scene.workspace();
      const runs = new JobRuns(scene);
      const [old, unfinished] = [sampleJob(workspaceId), sampleJob(workspaceId)];
      await scene.store.createJob(old);
      await scene.store.createJob(unfinished);
      await scene.store.cancelJob(workspaceId, old.id);
      scene.clock.step(DAY_MS);
      const young = await runs.create(workspaceId, old.task);
      await scene.store.cancelJob(workspaceId, young.id);
      await prune(scene.clock.now());
      const kept = await scene.read((reads) => reads.listJobs({ workspaceId, limit: 9 }));
      assert.deepEqual(idsOf(kept), [young.id, unfinished.id]);
      await scene.store.cancelJob(workspaceId, unfinished.id);
    });
  });

  describe('the steps of retention', () => {
    const scene = new Scene(harness);

    it('look at a bounded number of events each, however many of them are owed', async () => {
      const lane = await scene.lane();
      await scene.owe(lane, 250);
      const [over] = await scene.owe(lane, 1);
      await scene.store.cancel({ lane, deliveryId: over ?? '', limit: 1, reason: 'test' });
      await scene.owe(lane, 49);
      scene.clock.step(DAY_MS);
      const results: PruneResult[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const result: PruneResult = await scene.store.prune({ before: scene.clock.now(), after, limit: 100 });
        if (result.next !== null) assert.ok(result.next - after <= 100, 'no more than the limit');
        results.push(result);
        after = result.next;
      }
      assert.deepEqual(
        results.map(({ events }) => events),
        [0, 0, 1, 0],
      );
      assert.equal((await scene.waiting(lane)).length, 299);
    });

    it('remove a bounded number of rows each, also of one event', async () => {
      const lanes = await Promise.all(Array.from({ length: 30 }, () => scene.lane('ws_many')));
      const [first, ...rest] = lanes;
      assert.ok(first);
      const { event } = plannedEvent([first]);
      await scene.store.record(submission([{ ...plannedEvent([first, ...rest]), event }]));
      for (const lane of lanes) await scene.settle(await scene.take(lane), { state: 'delivered' });
      await scene.owe(first, 1);
      scene.clock.step(DAY_MS);
      const removed: number[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const result: PruneResult = await scene.store.prune({ before: scene.clock.now(), after, limit: 10 });
        if (result.deliveries > 0) removed.push(result.deliveries);
        after = result.next;
      }
      assert.deepEqual(removed, [5, 5, 5, 5, 5, 5], 'each with its attempt');
      assert.equal(await scene.store.getEvent('ws_many', event.id), null);
    });

    it('give the number of what is gone to nothing that comes later', async () => {
      const lane = await scene.lane();
      await scene.owe(lane, 1);
      const last = await scene.take(lane);
      await scene.settle(last, { state: 'delivered' });
      scene.clock.step(99 * DAY_MS);
      await scene.store.prune({ before: scene.clock.now(), after: 0, limit: 1_000 });
      await scene.opened.reopen();
      await scene.owe(lane, 1);
      assert.ok((await scene.take(lane)).seq > last.seq);
    });
  });
}
