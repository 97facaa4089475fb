import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreUnavailableError } from '../../errors.ts';
import { furnishWorkspace, NAMES, SAME_KEY } from './furnish-workspace.ts';
import type { StoreHarness } from './harness.ts';
import { plannedEvent, sampleAudit, sampleChange, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';
import { viewHistory, viewWorkspace } from './view-workspace.ts';

/** What was acknowledged is there after a restart. */
export function testDurability(harness: StoreHarness): void {
  describe('durability', () => {
    const scene = new Scene(harness);

    it('finds everything again when it is opened again', async () => {
      const workspaceId = await scene.workspace();
      await furnishWorkspace(scene.store, workspaceId);
      const before = await viewWorkspace(scene.store, workspaceId, NAMES);
      await scene.opened.reopen();
      assert.deepEqual(await viewWorkspace(scene.store, workspaceId, NAMES), before);
      const history = await viewHistory(scene.store, workspaceId, NAMES);
      assert.deepEqual(await viewHistory(scene.opened.reader, workspaceId, NAMES), history);
      assert.equal((await scene.store.findApiKey(`hash ${workspaceId}`))?.workspaceId, workspaceId);
      const lane = { workspaceId, webhookId: NAMES.webhookId };
      const again = submission([plannedEvent([lane])], { idempotency: SAME_KEY });
      assert.equal((await scene.store.record(again)).kind, 'duplicate');
      await assert.rejects(scene.store.appendAudit(sampleAudit(workspaceId, NAMES.auditId)));
    });

    it('owes again what was in the air, in its old place', async () => {
      const lane = await scene.lane();
      await scene.owe(lane, 3);
      const [inTheAir, settled] = await scene.due(lane, 0);
      assert.ok(inTheAir && settled);
      await scene.settle(settled, { state: 'delivered' });
      const before = await scene.waiting(lane);
      await scene.opened.reopen();
      assert.deepEqual(await scene.waiting(lane), before);
      const lanes = (await scene.store.sweep()).filter(({ workspaceId }) => workspaceId === lane.workspaceId);
      assert.deepEqual(lanes, [lane]);
      assert.equal(await scene.settle(inTheAir, { state: 'delivered' }), true);
    });

    it('goes on with versions and revisions where they were', async () => {
      const { workspaceId, id: webhookId } = await scene.webhook();
      await scene.opened.reopen();
      const saved = await scene.store.putWebhook(sampleChange({ workspaceId, webhookId }, { expectedVersion: 1 }));
      assert.deepEqual([saved.version, saved.revision], [2, 2]);
    });

    it('counts anew, but for what waits', async () => {
      await scene.ended('delivered');
      await scene.owe(await scene.lane(), 2);
      const { pending: waiting } = await scene.store.counters();
      assert.ok(waiting >= 2);
      await scene.opened.reopen();
      const { pending, ...counted } = await scene.store.counters();
      assert.equal(pending, waiting);
      for (const [name, count] of Object.entries(counted)) assert.equal(count, 0, name);
    });

    it('refuses what comes after it was closed', async () => {
      const opened = await harness.open(scene.clock);
      const lane = await scene.lane();
      await opened.close();
      await assert.rejects(opened.store.record(submission([plannedEvent([lane])])), StoreUnavailableError);
      await assert.rejects(opened.store.cancel({ lane, limit: 1, reason: 'late' }), StoreUnavailableError);
    });

    it('writes what it was given before it closes', async () => {
      const lane = await scene.lane();
      const [, failed] = [await scene.owe(lane), await scene.ended('failed')];
      const delivery = await scene.take(lane);
      const writing = [
        scene.owe(lane, 2),
        scene.settle(delivery, { state: 'delivered' }),
        scene.store.requeue(failed.lane, failed.id),
      ];
      await scene.opened.reopen();
      const [owed, settled, requeued] = await Promise.all(writing);
      assert.deepEqual([settled, requeued], [true, true]);
      assert.deepEqual(idsOf(await scene.waiting(lane)), owed);
      assert.equal((await scene.delivery(lane, delivery.id)).state, 'delivered');
      assert.deepEqual(idsOf(await scene.waiting(failed.lane)), [failed.id]);
    });
  });
}
