import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import { StoreUnavailableError } from '../../errors.ts';
import { furnishWorkspace, NAMES } from './furnish-workspace.ts';
import { asked, type StoreHarness } from './harness.ts';
import {
  answered,
  nextAttempt,
  plannedEvent,
  sampleAudit,
  sampleChange,
  sampleConfig,
  sampleEvent,
  sampleJob,
  sampleTest,
  submission,
} from './samples.ts';
import { Scene } from './scene.ts';
import { viewHistory, viewWorkspace } from './view-workspace.ts';

/** More than any driver finds room for on a disk that is full. */
const MUCH = JSON.stringify({ text: 'x'.repeat(400_000) });

/** A disk that is full. */
export function testUnavailable(harness: StoreHarness): void {
  describe('when nothing can be written', () => {
    const scene = new Scene(harness);

    it('refuses writes as unavailable, leaves nothing behind, reads on, and writes again once there is room', async (t) => {
      const { fill } = scene.opened;
      if (fill === undefined) return t.skip('this harness cannot fill the disk');
      const workspaceId = await scene.workspace();
      await furnishWorkspace(scene.store, workspaceId);
      const lane: Lane = { workspaceId, webhookId: NAMES.webhookId };
      const delivery = await scene.take(lane);
      const config = sampleConfig();
      const writes: Record<string, () => Promise<unknown>> = {
        record: () => scene.store.record(submission([plannedEvent([lane], { id: 'evt_much', dataText: MUCH })])),
        recordTest: () =>
          scene.store.recordTest(sampleTest(lane, { event: sampleEvent(workspaceId, { dataText: MUCH }) })),
        settle: () =>
          scene.settle(delivery, { state: 'delivered' }, { attempt: nextAttempt(delivery, answered(200, MUCH)) }),
        putWebhook: () =>
          scene.store.putWebhook(sampleChange(lane, { config: { ...config, description: MUCH }, expectedVersion: 2 })),
        putEventType: () => scene.store.putEventType({ ...TYPE, workspaceId, schemaText: MUCH }),
        createJob: () => scene.store.createJob(sampleJob(workspaceId, { filter: { runId: MUCH } })),
        appendAudit: () => scene.store.appendAudit({ ...sampleAudit(workspaceId), detail: MUCH }),
      };
      const able = asked(harness, writes);
      const before = await viewWorkspace(scene.store, workspaceId, NAMES);
      const counted = await scene.store.counters();
      const heard: unknown[] = [];
      scene.store.onWake((wakes) => heard.push(...wakes));
      const makeRoom = await fill();
      for (const [method, write] of able) {
        await assert.rejects(write(), StoreUnavailableError, method);
      }
      const together = await Promise.allSettled(able.map(([, write]) => write()));
      for (const outcome of together) {
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof StoreUnavailableError);
      }
      assert.deepEqual(await viewWorkspace(scene.store, workspaceId, NAMES), before);
      assert.deepEqual(
        await viewHistory(scene.opened.reader, workspaceId, NAMES),
        await viewHistory(scene.store, workspaceId, NAMES),
      );
      assert.deepEqual(await scene.store.counters(), counted);
      assert.deepEqual(heard, []);
      await makeRoom();
      for (const [method, write] of able) {
        await assert.doesNotReject(write(), method);
      }
      assert.notDeepEqual(await viewWorkspace(scene.store, workspaceId, NAMES), before);
      await scene.opened.reopen();
      assert.equal((await scene.store.getEvent(workspaceId, 'evt_much'))?.dataText, MUCH);
    });
  });
}

const TYPE = { name: 'order.much', description: '', sampleText: null, updatedAt: 0 };
