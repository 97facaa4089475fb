import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ALL_FAILED } from '../../domain/retry-filter.ts';
import { UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import type { Ownership, ReadStore, Store } from '../store.ts';
import { furnishWorkspace, NAMES, pausedAtIn, SAME_KEY } from './furnish-workspace.ts';
import { asked, type StoreHarness } from './harness.ts';
import {
  answered,
  plannedEvent,
  SAMPLE_AT,
  SAMPLE_URL,
  sampleAttempt,
  sampleAudit,
  sampleChange,
  sampleConfig,
  sampleEvent,
  sampleJob,
  sampleTest,
  submission,
} from './samples.ts';
import { idsOf, Scene } from './scene.ts';
import { viewHistory, viewWorkspace } from './view-workspace.ts';

/** Nothing is visible, and nothing has an effect, across workspaces: not even where every id is the same in both. */
export function testIsolation(harness: StoreHarness): void {
  describe('isolation', () => {
    const scene = new Scene(harness);
    let mine: string;
    let theirs: string;
    let bare: string;
    before(async () => {
      [mine, theirs, bare] = [await scene.workspace(), await scene.workspace(), await scene.workspace()];
      await furnishWorkspace(scene.store, mine);
      await furnishWorkspace(scene.store, theirs);
    });
    const lane = () => ({ workspaceId: mine, webhookId: NAMES.webhookId });
    const take = async (id: string) => {
      const found = (await scene.waiting(lane())).find((delivery) => delivery.id === id);
      assert.ok(found, id);
      return found;
    };
    const later = { revision: 9, acceptedAt: SAMPLE_AT };

    /** Every method that writes. What it does here concerns ids that the other workspace has too. */
    const writes: Record<Writing, () => Promise<unknown>> = {
      ensureWorkspace: () => scene.store.ensureWorkspace({ id: mine, name: 'renamed' }),
      putApiKey: () =>
        scene.store.putApiKey({ workspaceId: mine, id: 'key_same', name: 'new', hash: `new ${mine}`, createdAt: 1 }),
      putWebhook: () =>
        scene.store.putWebhook(
          sampleChange(lane(), {
            expectedVersion: 2,
            config: sampleConfig({ url: 'https://new.example/' }),
            readToken: { token: `new token of ${mine}`, hash: `new token hash ${mine}` },
          }),
        ),
      changeHold: () => scene.store.changeHold({ lane: lane(), change: 'resume', audit: sampleAudit(mine) }),
      putEventType: () =>
        scene.store.putEventType({
          workspaceId: mine,
          name: NAMES.eventType,
          description: 'new',
          schemaText: '{"new":true}',
          sampleText: '{}',
          updatedAt: 1,
        }),
      deleteEventType: () => scene.store.deleteEventType(mine, NAMES.eventType),
      appendAudit: () => scene.store.appendAudit(sampleAudit(mine)),
      record: () =>
        scene.store.record(submission([plannedEvent([lane()], { id: 'evt_more', ids: ['del_more'], ...later })])),
      recordTest: () =>
        scene.store.recordTest(
          sampleTest(lane(), {
            event: sampleEvent(mine, { id: 'evt_test_2' }),
            deliveryId: 'del_test_2',
            attempt: sampleAttempt(1, answered(200)),
            destination: { url: SAMPLE_URL, value: { ...UNKNOWN_DESTINATION, schemeLearnedAt: 1, notBefore: 1 } },
          }),
        ),
      settle: async () => {
        const next = { state: 'delivered' } as const;
        const value = { ...UNKNOWN_DESTINATION, scheme: 'timestamped', schemeLearnedAt: 2, notBefore: 2 } as const;
        for (const id of ['del_first', 'del_retry']) {
          assert.ok(await scene.settle(await take(id), next, { destination: { url: SAMPLE_URL, value } }));
        }
      },
      createJob: () => scene.store.createJob(sampleJob(mine, { id: 'job_more' })),
      advanceJob: async () => {
        const step = { workspaceId: mine, jobId: NAMES.jobId, after: 0, window: 9, limit: 9 };
        assert.deepEqual(await scene.store.advanceJob(step), { next: null, requeued: 1, isFull: false });
      },
      cancelJob: () => scene.store.cancelJob(mine, 'job_more'),
      formBatch: async () => {
        const ids = { id: 'del_batch', eventId: 'evt_batch', eventType: 'workflow.completed', route: null };
        const members = await scene.gathering(lane());
        assert.equal(await scene.store.formBatch({ lane: lane(), ...ids, members: members.slice(1), formedAt: 1 }), 1);
      },
      releaseGathering: () => scene.store.releaseGathering(lane(), 9),
      requeue: () => scene.store.requeue(lane(), 'del_failed'),
      replay: () => scene.store.replay(lane(), 'del_delivered', 'del_replayed'),
      cancel: () => scene.store.cancel({ lane: lane(), limit: 99, reason: 'new' }),
    };

    for (const [method, write] of asked(harness, writes)) {
      it(`keeps ${method} to its workspace`, async () => {
        const untouched = await viewWorkspace(scene.store, theirs, NAMES);
        const own = await viewWorkspace(scene.store, mine, NAMES);
        const answer = await write();
        assert.notEqual(answer, false);
        assert.deepEqual(await viewWorkspace(scene.store, theirs, NAMES), untouched);
        assert.deepEqual(
          await viewHistory(scene.opened.reader, theirs, NAMES),
          await viewHistory(scene.store, theirs, NAMES),
        );
        assert.equal((await scene.store.findApiKey(`hash ${theirs}`))?.workspaceId, theirs);
        assert.equal((await scene.store.findReadToken(`token hash ${theirs}`))?.workspaceId, theirs);
        if (VISIBLE.has(method)) assert.notDeepEqual(await viewWorkspace(scene.store, mine, NAMES), own);
      });
    }

    it('leaves a key of another workspace alone', async () => {
      const key = plannedEvent([{ workspaceId: bare, webhookId: NAMES.webhookId }]);
      const result = await scene.store.record(submission([key], { idempotency: { ...SAME_KEY, bodyHash: 'other' } }));
      assert.equal(result.kind, 'recorded');
      const again = plannedEvent([{ workspaceId: theirs, webhookId: NAMES.webhookId }]);
      const repeated = await scene.store.record(submission([again], { idempotency: SAME_KEY }));
      assert.ok(repeated.kind === 'duplicate');
      assert.equal(repeated.note, theirs);
    });

    /** Every method that reads by workspace, asked with the ids of the others in a workspace that has none of them. */
    const reads: Record<keyof ScopedReads, (from: Store | ReadStore, workspaceId: string) => Promise<unknown>> = {
      loadWorkspace: async (from, workspaceId) => {
        const { webhooks, eventTypes } = await from.loadWorkspace(workspaceId);
        return [...webhooks, ...eventTypes];
      },
      listWebhookVersions: (from, workspaceId) => from.listWebhookVersions({ workspaceId, webhookId: NAMES.webhookId }),
      revealReadToken: (from, workspaceId) => from.revealReadToken({ workspaceId, webhookId: NAMES.webhookId }),
      listDestinations: async (from, workspaceId) => [
        ...(await from.listDestinations(workspaceId)),
        ...(await from.listDestinations(workspaceId, NAMES.webhookId)),
      ],
      listHolds: async (from, workspaceId) => {
        const found = [...(await from.listHolds(workspaceId)), ...(await from.listHolds(workspaceId, NAMES.webhookId))];
        return found.map(({ pausedAt }) => (pausedAt === pausedAtIn(workspaceId) ? workspaceId : mine));
      },
      webhooksAt: (from, workspaceId) => from.webhooksAt(workspaceId, 99),
      getEvent: (from, workspaceId) => from.getEvent(workspaceId, NAMES.eventId),
      listEvents: async (from, workspaceId) => [
        ...(await from.listEvents({ workspaceId, limit: 9, runId: NAMES.runId })),
        ...(await from.listEvents({ workspaceId, limit: 9, type: 'webhook.test' })),
      ],
      getDelivery: (from, workspaceId) => from.getDelivery(workspaceId, 'del_delivered'),
      listDeliveries: async (from, workspaceId) => {
        const { webhookId, eventId, runId } = NAMES;
        const queries = [{ webhookId }, { eventId }, { runId }, { status: 200 }, { state: 'failed' }] as const;
        return (
          await Promise.all(queries.map((query) => from.listDeliveries({ workspaceId, limit: 9, ...query })))
        ).flat();
      },
      getJob: (from, workspaceId) => from.getJob(workspaceId, NAMES.jobId),
      listJobs: (from, workspaceId) => from.listJobs({ workspaceId, limit: 9 }),
      estimateJob: async (from, workspaceId) => {
        const tasks = [
          { kind: 'retry', filter: ALL_FAILED },
          { kind: 'retry', filter: { ...ALL_FAILED, webhookId: NAMES.webhookId } },
        ] as const;
        const counts = await Promise.all(tasks.map(async (task) => (await from.estimateJob(workspaceId, task)).count));
        if (counts.every((count) => count === 0)) return [];
        assert.deepEqual(counts, [1, 1], 'del_failed, and not the one of the other workspace');
        return [workspaceId];
      },
      listAttempts: (from, workspaceId) => from.listAttempts(workspaceId, 'del_delivered'),
    };

    for (const [method, read] of asked(harness, reads)) {
      it(`shows by ${method} what is of the workspace`, async () => {
        for (const from of [scene.store, scene.opened.reader]) {
          const nothing = await read(from, 'ws_nobody');
          assert.ok(nothing === null || (Array.isArray(nothing) && nothing.length === 0), JSON.stringify(nothing));
          const found = JSON.stringify(await read(from, theirs));
          assert.ok(found.includes(theirs), 'asked in the right workspace it finds something');
          assert.ok(!found.includes(mine));
        }
      });
    }

    it('shows to the owner of a lane what is of its workspace', async () => {
      const nobodys = { workspaceId: 'ws_nobody', webhookId: NAMES.webhookId };
      assert.equal(await scene.store.loadLane(nobodys), null);
      assert.equal(await scene.store.nextDueAt(nobodys, 0), null);
      assert.deepEqual(await scene.store.exchangesSince(nobodys, 0), []);
      assert.deepEqual(await scene.waiting(nobodys), []);
      assert.deepEqual(await scene.gathering(nobodys), []);
      const waiting = await scene.waiting({ workspaceId: theirs, webhookId: NAMES.webhookId });
      assert.deepEqual(idsOf(waiting), ['del_first', 'del_retry', 'del_recovered']);
      for (const { event } of waiting) assert.equal(event.dataText, JSON.stringify({ workspaceId: theirs }));
    });
  });
}

/** Methods whose effect is seen in the workspace; the others have one that only their own tests can see. */
const VISIBLE: ReadonlySet<string> = new Set<Writing>([
  ...(['putWebhook', 'changeHold', 'putEventType', 'deleteEventType', 'record', 'recordTest'] as const),
  ...([
    'settle',
    'formBatch',
    'releaseGathering',
    'requeue',
    'replay',
    'cancel',
    'createJob',
    'advanceJob',
    'cancelJob',
  ] as const),
]);

/** Keys and tokens are found by their hashes, before anybody knows whose they are. */
type ScopedReads = Omit<ReadStore, 'findApiKey' | 'findReadToken' | 'close'>;
type OfALane =
  | 'sweep'
  | 'loadLane'
  | 'exchangesSince'
  | 'readDue'
  | 'readHeads'
  | 'headsOf'
  | 'readGathering'
  | 'nextDueAt';
/** The whole store's. */
type Upkeep = keyof Ownership | 'onWake' | 'counters' | 'unfinishedJobs' | 'prune';
type Writing = Exclude<keyof Store, keyof ReadStore | OfALane | Upkeep>;
