import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import type { StoreHarness } from './harness.ts';
import { JobRuns } from './job-runs.ts';
import { plannedEvent, sampleChange, sampleConfig, sampleEvent, sampleTest, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** Owing a webhook what it missed. Its subscription is `workflow.*`, as that of every sample. */
export function testBackfill(harness: StoreHarness): void {
  describe('backfill jobs', () => {
    const scene = new Scene(harness);
    const runs = new JobRuns(scene);
    const laneOf = async (workspaceId?: string): Promise<Lane> => {
      const webhook = await scene.webhook(workspaceId);
      return { workspaceId: webhook.workspaceId, webhookId: webhook.id };
    };
    /** Events that nobody was owed. @returns their ids */
    const miss = async (workspaceId: string, count = 1, event: object = {}) => {
      const events = Array.from({ length: count }, () => ({
        event: sampleEvent(workspaceId, { acceptedAt: scene.clock.now(), ...event }),
        deliveries: [],
        idempotency: null,
      }));
      await scene.store.record({ workspaceId, events, idempotency: null, note: null });
      return events.map(({ event: { id } }) => id);
    };
    const backfill = ({ workspaceId, webhookId }: Lane, since: number) =>
      runs.create(workspaceId, { kind: 'backfill', webhookId, since });
    const estimate = ({ workspaceId, webhookId }: Lane, since: number) =>
      scene.read((reads) => reads.estimateJob(workspaceId, { kind: 'backfill', webhookId, since }));
    const owedEvents = async (lane: Lane) => (await scene.waiting(lane)).map(({ event }) => event.id);

    it('owes events as new deliveries, which wait as what is recovered, oldest first', async () => {
      const lane = await laneOf();
      const since = scene.clock.now();
      const [first, second] = await miss(lane.workspaceId, 2);
      scene.clock.step(3_600_000);
      const { job } = await runs.finish(await backfill(lane, since));
      assert.deepEqual([job.state, job.matched, job.requeued, job.skipped], ['done', 2, 2, 0]);
      const waiting = await scene.due(lane, 2);
      assert.deepEqual(
        waiting.map(({ event }) => event.id),
        [first, second],
      );
      const now = scene.clock.now();
      const { id, ...delivery } = await scene.delivery(lane, waiting[0]?.id ?? '');
      assert.match(id, /^del_/);
      assert.deepEqual(delivery, {
        ...lane,
        eventId: first,
        eventType: 'workflow.completed',
        runId: 'run_1',
        origin: 'backfill',
        state: 'pending',
        batch: null,
        reason: null,
        attempts: 0,
        lastStatus: null,
        route: null,
        failedBefore: null,
        atFallback: false,
        payload: 'full',
        createdAt: now,
        dueAt: now,
        finishedAt: null,
      });
      await scene.settle(await scene.take(lane), { state: 'delivered' });
      assert.equal((await scene.delivery(lane, id)).state, 'delivered');
    });

    it('owes what was accepted since the instant, of subscribed types, in its workspace', async () => {
      const lane = await laneOf();
      const other = await scene.lane();
      await miss(lane.workspaceId, 1);
      scene.clock.step(1);
      const since = scene.clock.now();
      const [wanted] = await miss(lane.workspaceId, 1, { type: 'workflow.started' });
      await miss(lane.workspaceId, 1, { type: 'component.failed' });
      await miss(other.workspaceId, 1);
      await scene.store.recordTest(
        sampleTest(other, { event: sampleEvent(lane.workspaceId, { type: 'webhook.test' }) }),
      );
      scene.clock.step(60_000);
      const [late] = await miss(lane.workspaceId, 1);
      const counted = { count: 2, isMinimum: false, oldestAt: since, newestAt: scene.clock.now() };
      assert.deepEqual(await estimate(lane, since), counted);
      assert.deepEqual(await owedEvents(lane), [], 'an estimate owes nothing');
      await runs.finish(await backfill(lane, since), { limit: 2 });
      assert.deepEqual(await owedEvents(lane), [wanted, late]);
    });

    it('owes nothing twice: neither what the webhook had a delivery of, nor what an earlier backfill owed', async () => {
      const lane = await laneOf();
      const since = scene.clock.now();
      const had = plannedEvent([lane], { acceptedAt: since });
      const cancelled = plannedEvent([lane], { acceptedAt: since });
      await scene.store.record(submission([had, cancelled]));
      await scene.store.cancel({ lane, deliveryId: cancelled.deliveries[0]?.id ?? '', limit: 1, reason: 'test' });
      const [missed] = await miss(lane.workspaceId);
      assert.equal((await estimate(lane, since)).count, 1);
      const [once, twice] = [await backfill(lane, since), await backfill(lane, since)];
      const { job: first } = await runs.finish(once);
      const { job: second } = await runs.finish(twice);
      assert.deepEqual([first.requeued, first.skipped], [1, 2]);
      assert.deepEqual([second.requeued, second.skipped], [0, 3]);
      assert.deepEqual(await owedEvents(lane), [had.event.id, missed]);
      assert.equal((await estimate(lane, since)).count, 0);
    });

    it('owes in order what has a run, where the webhook keeps it', async () => {
      const { workspaceId, webhookId } = await scene.lane();
      const lane = { workspaceId, webhookId };
      await scene.store.putWebhook(sampleChange(lane, { config: sampleConfig({ ordering: 'run' }) }));
      const since = scene.clock.now();
      await miss(workspaceId, 1, { runId: 'run_2' });
      await miss(workspaceId, 1, { runId: null });
      await runs.finish(await backfill(lane, since));
      assert.deepEqual(
        (await scene.due(lane, 2)).map(({ run }) => run),
        ['run_2', null],
      );
      const unordered = await laneOf(workspaceId);
      await runs.finish(await backfill(unordered, since));
      assert.deepEqual(
        (await scene.due(unordered, 2)).map(({ run }) => run),
        [null, null],
      );
    });

    it('owes what filters and conditions let through, by the route that takes it', async () => {
      const { workspaceId, webhookId } = await scene.lane();
      const lane = { workspaceId, webhookId };
      const routes = [{ id: 7, when: { cost: { greater_than: 9 } }, url: 'https://large.example/', headers: {} }];
      const config = sampleConfig({ filters: { event: 'workflow.completed' }, conditions: { ok: true }, routes });
      await scene.store.putWebhook(sampleChange(lane, { config }));
      const since = scene.clock.now();
      const of = (data: object, type = 'workflow.completed') =>
        miss(workspaceId, 1, { type, dataText: JSON.stringify(data) });
      const [small] = await of({ ok: true, cost: 1 });
      await of({ ok: false, cost: 100 });
      await of({ ok: true, cost: 100 }, 'workflow.failed');
      const [large] = await of({ ok: true, cost: 100 });
      assert.equal((await estimate(lane, since)).count, 2);
      const { job } = await runs.finish(await backfill(lane, since));
      assert.deepEqual([job.matched, job.requeued, job.skipped], [2, 2, 0]);
      const waiting = await scene.due(lane, 2);
      assert.deepEqual(
        waiting.map(({ event, route }) => [event.id, route]),
        [
          [small, null],
          [large, 7],
        ],
      );
    });

    it('owes thin deliveries to a webhook that is thin by then', async () => {
      const lane = await laneOf();
      scene.clock.step(3_600_000);
      const since = scene.clock.now();
      await miss(lane.workspaceId, 2);
      const job = await backfill(lane, since);
      await runs.step(job, { limit: 1 });
      await scene.store.putWebhook(
        sampleChange(lane, { expectedVersion: 1, config: sampleConfig({ payload: 'thin' }) }),
      );
      await runs.finish(job, { limit: 1 });
      const waiting = await scene.due(lane, 2);
      assert.deepEqual(
        waiting.map(({ payload }) => payload),
        ['full', 'thin'],
      );
    });

    it('leaves alone what is published after it was made', async () => {
      const lane = await laneOf();
      const since = scene.clock.now();
      const [before] = await miss(lane.workspaceId);
      const job = await backfill(lane, since);
      await miss(lane.workspaceId);
      await runs.finish(job);
      assert.deepEqual(await owedEvents(lane), [before]);
    });

    it('keeps to the window and the limit, and begins near its first event', async () => {
      const lane = await laneOf();
      await miss(lane.workspaceId, 200);
      scene.clock.step(3_600_000);
      const since = scene.clock.now();
      const missed = await miss(lane.workspaceId, 5);
      const job = await backfill(lane, since);
      assert.deepEqual(await runs.step(job, { window: 2, limit: 10 }), { next: null, requeued: 2, isFull: true });
      assert.deepEqual(await runs.step(job, { window: 2, limit: 10 }), { next: null, requeued: 0, isFull: true });
      await scene.opened.reopen();
      const { steps } = await runs.finish(job, { window: 9, limit: 2 });
      assert.ok(steps <= 3, `${steps} steps`);
      assert.deepEqual(await owedEvents(lane), missed);
    });

    it('asks the webhook as it is configured when the step is taken, and ends with it', async () => {
      const lane = await laneOf();
      // A backfill begins a little before its instant, and looks at what is of other workspaces too.
      scene.clock.step(3_600_000);
      const since = scene.clock.now();
      await miss(lane.workspaceId, 3);
      const job = await backfill(lane, since);
      await runs.step(job, { limit: 1 });
      const changed = { expectedVersion: 1, config: sampleConfig({ events: ['component.*'] }) };
      await scene.store.putWebhook(sampleChange(lane, changed));
      await runs.step(job, { limit: 1 });
      assert.equal((await runs.read(job)).requeued, 1);
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 2, deletedAt: since }));
      const { job: done, steps } = await runs.finish(job, { limit: 1 });
      assert.deepEqual([done.state, done.requeued, steps], ['done', 1, 1]);
      assert.equal((await estimate(lane, since)).count, 0);
      assert.equal(idsOf(await scene.waiting(lane)).length, 1);
    });
  });
}
