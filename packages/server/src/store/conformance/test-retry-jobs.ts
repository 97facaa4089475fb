import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_FAILED, type RetryFilter } from '../../domain/retry-filter.ts';
import { newId } from '../../ids.ts';
import type { Wake } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { JobRuns } from './job-runs.ts';
import { answered, plannedEvent, sampleChange, sampleTest, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** Trying again in bulk what failed or was cancelled. */
export function testRetryJobs(harness: StoreHarness): void {
  describe('retry jobs', () => {
    const scene = new Scene(harness);
    const runs = new JobRuns(scene);
    const retry = (workspaceId: string, filter: Partial<RetryFilter> = {}) =>
      runs.create(workspaceId, { kind: 'retry', filter: { ...ALL_FAILED, ...filter } });
    const estimate = (workspaceId: string, filter: Partial<RetryFilter> = {}) =>
      scene.read((reads) => reads.estimateJob(workspaceId, { kind: 'retry', filter: { ...ALL_FAILED, ...filter } }));

    for (const state of ['failed', 'cancelled'] as const) {
      it(`puts back what is ${state}: the same delivery, due now, with a fresh schedule, attempt numbers go on`, async () => {
        const { lane, id } = await scene.ended(state);
        const { reason: _, ...before } = await scene.delivery(lane, id);
        scene.clock.step(3_600_000);
        const { job } = await runs.finish(await retry(lane.workspaceId, { state }));
        assert.deepEqual([job.state, job.matched, job.requeued, job.skipped], ['done', 1, 1, 0]);
        const { reason: __, ...after } = await scene.delivery(lane, id);
        assert.deepEqual(after, { ...before, state: 'pending', dueAt: scene.clock.now(), finishedAt: null });
        const delivery = await scene.take(lane);
        assert.deepEqual([delivery.class, delivery.attempts, delivery.seriesFrom], [2, 1, 1]);
      });
    }

    it('leaves what waits, was delivered, or came to another end as it is', async () => {
      const lane = await scene.lane();
      const [delivered, cancelled, waiting] = await scene.owe(lane, 3);
      assert.ok(delivered && cancelled && waiting);
      await scene.settle(await scene.take(lane), { state: 'delivered' });
      await scene.store.cancel({ lane, deliveryId: cancelled, limit: 1, reason: 'test' });
      const { job } = await runs.finish(await retry(lane.workspaceId));
      assert.equal(job.matched, 0);
      assert.deepEqual(idsOf(await scene.waiting(lane)), [waiting]);
      assert.deepEqual(idsOf(await scene.due(lane, 2)), []);
    });

    it('puts back a batch that failed with all its members, and none that went on in others', async () => {
      const lane = await scene.lane();
      const members = await scene.gather(lane, 2);
      const batch = await scene.form(lane);
      const start = 'at once' as const;
      const dataText = batch.event.dataText;
      const more = {
        id: newId('del'),
        eventId: newId('evt'),
        dataText,
        members,
        formedAt: 1,
        atFallback: false,
        attemptsUsed: 0,
        start,
      };
      await scene.settle(batch, { state: 'cancelled', reason: 'split' }, { successors: [more] });
      assert.equal((await estimate(lane.workspaceId, { state: 'cancelled' })).count, 0);
      const { job: cancelled } = await runs.finish(await retry(lane.workspaceId, { state: 'cancelled' }));
      assert.deepEqual([cancelled.matched, cancelled.requeued], [0, 0]);
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
      const { job: failed } = await runs.finish(await retry(lane.workspaceId));
      assert.deepEqual([failed.matched, failed.requeued], [1, 1]);
      assert.deepEqual(idsOf(await scene.due(lane, 2)), [more.id]);
      assert.equal((await scene.delivery(lane, members[0] ?? '')).batch?.state, 'pending');
    });

    it('goes from the oldest to the newest, over as many steps as it takes', async () => {
      const lane = await scene.lane();
      const failed = await scene.fail(lane, 7);
      const job = await retry(lane.workspaceId);
      for (const count of [2, 4, 6, 7]) {
        await runs.step(job, { limit: 2 });
        assert.deepEqual(idsOf(await scene.due(lane, 2)), failed.slice(0, count));
        assert.equal((await runs.read(job)).requeued, count);
      }
      assert.equal((await runs.read(job)).state, 'done');
    });

    it('lets no more wait in a lane than the window, whoever put it back, and goes on when there is room', async () => {
      const lane = await scene.lane();
      const failed = await scene.fail(lane, 6);
      assert.ok(failed[5]);
      await scene.store.requeue(lane, failed[5]);
      const job = await retry(lane.workspaceId);
      assert.deepEqual(await runs.step(job, { window: 3 }), { next: null, requeued: 2, isFull: true });
      assert.deepEqual(await runs.step(job, { window: 3 }), { next: null, requeued: 0, isFull: true });
      assert.equal((await scene.due(lane, 2)).length, 3);
      await scene.settle(await scene.take(lane), { state: 'delivered' });
      assert.deepEqual(await runs.step(job, { window: 3 }), { next: null, requeued: 1, isFull: true });
      await scene.owe(lane, 5);
      assert.deepEqual(await runs.step(job, { window: 9 }), { next: null, requeued: 2, isFull: false });
      assert.equal((await runs.read(job)).state, 'done');
    });

    it('goes through lane after lane, so that one that is full does not hold up another', async () => {
      const a = await scene.lane();
      const b = await scene.lane(a.workspaceId);
      const c = await scene.lane(a.workspaceId);
      const counts = [await scene.fail(a, 3), await scene.fail(b, 1), await scene.fail(c, 3)].map((ids) => ids.length);
      const job = await retry(a.workspaceId);
      const pass = async () => {
        const results = [];
        for (let after: number | null = 0; after !== null; ) {
          const result = await runs.step(job, { after, window: 2 });
          results.push([result.requeued, result.isFull]);
          after = result.next;
        }
        return results;
      };
      assert.deepEqual(await pass(), [
        [2, true],
        [1, false],
        [2, true],
      ]);
      assert.deepEqual(await pass(), [
        [0, true],
        [0, true],
      ]);
      await runs.finish(job, { window: 9 });
      const waiting = await Promise.all([a, b, c].map(async (lane) => (await scene.due(lane, 2)).length));
      assert.deepEqual(waiting, counts);
    });

    it('does not take up again what fails after it was made', async () => {
      const lane = await scene.lane();
      const [first, second, third] = await scene.fail(lane, 3);
      assert.ok(first && second && third);
      const job = await retry(lane.workspaceId);
      scene.clock.step(1_000);
      await runs.step(job, { limit: 1 });
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'again' });
      await scene.store.requeue(lane, second);
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'again' });
      await scene.fail(lane, 1);
      const { job: done } = await runs.finish(job, { limit: 1 });
      assert.equal(done.requeued, 2);
      assert.deepEqual(idsOf(await scene.due(lane, 2)), [third]);
    });

    it('neither loses nor repeats anything over a restart after each step', async () => {
      const lanes = [await scene.lane()];
      lanes.push(await scene.lane(lanes[0]?.workspaceId));
      const failed: string[] = [];
      for (const lane of lanes) failed.push(...(await scene.fail(lane, 5)));
      const job = await retry(lanes[0]?.workspaceId ?? '');
      for (let steps = 0; (await runs.read(job)).state !== 'done'; steps += 1) {
        assert.ok(steps < 20, 'it comes to an end');
        await runs.step(job, { limit: 2 });
        await scene.opened.reopen();
      }
      assert.equal((await runs.read(job)).requeued, failed.length);
      const waiting = (await Promise.all(lanes.map((lane) => scene.waiting(lane)))).flat();
      assert.deepEqual(idsOf(waiting), failed);
    });

    it('skips what nothing can be sent for: its webhook was deleted', async () => {
      const { workspaceId, id: webhookId } = await scene.webhook();
      const lane = { workspaceId, webhookId };
      await scene.fail(lane, 2);
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, deletedAt: scene.clock.now() }));
      assert.equal((await estimate(workspaceId)).count, 0);
      const { job } = await runs.finish(await retry(workspaceId), { window: 0 });
      assert.deepEqual([job.matched, job.requeued, job.skipped], [2, 0, 2]);
      assert.deepEqual(await scene.waiting(lane), []);
    });

    it('tells the owner of the lane', async () => {
      const lane = await scene.lane();
      await scene.fail(lane, 2);
      const job = await retry(lane.workspaceId);
      const heard: Wake[] = [];
      scene.store.onWake((wakes) => heard.push(...wakes));
      await runs.step(job);
      scene.store.onWake(() => {});
      assert.deepEqual(
        heard.map((wake) => [wake.lane, wake.recovered, wake.first]),
        [[lane, true, null]],
      );
    });

    /** Three deliveries that failed, at different times, in two lanes; and a test, which is never meant. */
    const furnish = async () => {
      const lane = await scene.lane();
      const other = await scene.lane(lane.workspaceId);
      const at = scene.clock.now();
      const fail = async (to: typeof lane, event: object, status: number) => {
        await scene.store.record(submission([plannedEvent([to], { acceptedAt: scene.clock.now(), ...event })]));
        const [delivery] = await scene.due(to, 0);
        assert.ok(delivery);
        scene.clock.step(10);
        await scene.settle(delivery, { state: 'failed', reason: 'gave up' }, { result: answered(status) });
        scene.clock.step(10);
        return delivery.id;
      };
      const ids = [
        await fail(lane, {}, 500),
        await fail(lane, { type: 'workflow.failed', runId: null }, 503),
        await fail(other, { runId: 'run_2' }, 404),
      ];
      await scene.store.recordTest(sampleTest(lane, { state: 'failed' }));
      return { lane, other, at, ids };
    };
    type Furnished = Awaited<ReturnType<typeof furnish>>;

    const choices: [name: string, choose: (furnished: Furnished) => Partial<RetryFilter>, positions: number[]][] = [
      ['nothing', () => ({}), [0, 1, 2]],
      ['a webhook', ({ lane }) => ({ webhookId: lane.webhookId }), [0, 1]],
      ['an unknown webhook', () => ({ webhookId: 'wh_unknown' }), []],
      ['an event type', () => ({ eventType: 'workflow.failed' }), [1]],
      ['a run', () => ({ runId: 'run_2' }), [2]],
      ['a status', () => ({ status: 500 }), [0]],
      ['when it was owed, from', ({ at }) => ({ createdFrom: at + 20 }), [1, 2]],
      ['when it was owed, to', ({ at }) => ({ createdTo: at + 20 }), [0]],
      ['when it failed, from', ({ at }) => ({ finishedFrom: at + 30 }), [1, 2]],
      ['when it failed, to', ({ at, lane }) => ({ finishedTo: at + 30, webhookId: lane.webhookId }), [0]],
      ['another state', () => ({ state: 'cancelled' }), []],
    ];
    for (const [name, choose, positions] of choices) {
      it(`selects by ${name}, in the estimate as in the job`, async () => {
        const furnished = await furnish();
        const { lane, other, at, ids } = furnished;
        const filter = choose(furnished);
        const times = positions.map((position) => at + 20 * position);
        const expected = positions.map((position) => ids[position]);
        assert.deepEqual(await estimate(lane.workspaceId, filter), {
          count: positions.length,
          isMinimum: false,
          oldestAt: times[0] ?? null,
          newestAt: times.at(-1) ?? null,
        });
        const { job } = await runs.finish(await retry(lane.workspaceId, filter), { limit: 1 });
        assert.equal(job.requeued, positions.length);
        assert.deepEqual(idsOf([...(await scene.waiting(lane)), ...(await scene.waiting(other))]), expected);
      });
    }
  });
}
