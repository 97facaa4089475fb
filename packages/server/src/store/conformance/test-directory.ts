import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newId } from '../../ids.ts';
import type { CustomEventType } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { createManualClock } from './manual-clock.ts';
import { SAMPLE_AT, sampleAudit } from './samples.ts';
import { Scene } from './scene.ts';

/** Workspaces, API keys, custom event types, the audit log. */
export function testDirectory(harness: StoreHarness): void {
  describe('directory', () => {
    const scene = new Scene(harness);

    it('makes the first workspace, and answers the one of the lowest id from then on', async () => {
      const opened = await harness.open(createManualClock());
      try {
        const { store, addWorkspace } = opened;
        assert.deepEqual(await store.ensureWorkspace({ id: 'ws_5', name: 'first' }), { id: 'ws_5', name: 'first' });
        assert.deepEqual(await store.ensureWorkspace({ id: 'ws_1', name: 'second' }), { id: 'ws_5', name: 'first' });
        await addWorkspace('ws_7');
        assert.equal((await store.ensureWorkspace({ id: 'ws_9', name: 'third' })).id, 'ws_5');
        await addWorkspace('ws_3');
        assert.equal((await store.ensureWorkspace({ id: 'ws_9', name: 'third' })).id, 'ws_3');
      } finally {
        await opened.close();
      }
    });

    it('finds an API key by its hash, and nothing by any other', async () => {
      const workspaceId = await scene.workspace();
      const key = { id: newId('key'), workspaceId, name: 'ci', hash: `hash of ${workspaceId}`, createdAt: SAMPLE_AT };
      await scene.store.putApiKey(key);
      assert.deepEqual(await scene.read((reads) => reads.findApiKey(key.hash)), key);
      for (const hash of ['', 'another hash', key.id, key.hash.toUpperCase()]) {
        assert.equal(await scene.read((reads) => reads.findApiKey(hash)), null, hash);
      }
    });

    it('replaces the API key of the same id: what it was before opens nothing any more', async () => {
      const workspaceId = await scene.workspace();
      const before = { id: newId('key'), workspaceId, name: 'ci', hash: `old ${workspaceId}`, createdAt: SAMPLE_AT };
      const other = { ...before, id: newId('key'), hash: `other ${workspaceId}` };
      await scene.store.putApiKey(before);
      await scene.store.putApiKey(other);
      await scene.store.putApiKey({ ...before, name: 'ci 2', hash: `new ${workspaceId}` });
      assert.equal(await scene.read((reads) => reads.findApiKey(before.hash)), null);
      const { id, name } = (await scene.read((reads) => reads.findApiKey(`new ${workspaceId}`))) ?? {};
      assert.deepEqual([id, name], [before.id, 'ci 2']);
      assert.deepEqual(await scene.read((reads) => reads.findApiKey(other.hash)), other);
    });

    it('knows no webhooks and event types of a workspace that is new or unknown', async () => {
      for (const workspaceId of [await scene.workspace(), 'ws_unknown']) {
        const snapshot = await scene.read((reads) => reads.loadWorkspace(workspaceId));
        assert.deepEqual(snapshot, { revision: 0, webhooks: [], eventTypes: [] });
      }
    });

    it('adds, replaces and deletes custom event types', async () => {
      const workspaceId = await scene.workspace();
      const load = async () => (await scene.read((reads) => reads.loadWorkspace(workspaceId))).eventTypes;
      const type: CustomEventType = {
        workspaceId,
        name: 'order.paid',
        description: 'An order was paid.',
        schemaText: '{"type":"object"}',
        sampleText: '{"order_id":"1"}',
        updatedAt: SAMPLE_AT,
      };
      const other = { ...type, name: 'order.sent', sampleText: null };
      await scene.store.putEventType(other);
      await scene.store.putEventType(type);
      assert.deepEqual(byName(await load()), [type, other]);
      const changed = { ...type, description: 'Paid.', schemaText: '{}', sampleText: null, updatedAt: SAMPLE_AT + 1 };
      await scene.store.putEventType(changed);
      assert.deepEqual(byName(await load()), [changed, other]);
      assert.equal(await scene.store.deleteEventType(workspaceId, 'order.paid'), true);
      assert.equal(await scene.store.deleteEventType(workspaceId, 'order.paid'), false);
      assert.equal(await scene.store.deleteEventType(workspaceId, 'order'), false);
      assert.deepEqual(await load(), [other]);
    });

    it('takes an entry of the audit log once', async () => {
      const entry = sampleAudit(await scene.workspace());
      await scene.store.appendAudit(entry);
      await scene.store.appendAudit({ ...entry, id: newId('aud'), detail: null });
      await assert.rejects(scene.store.appendAudit(entry));
    });
  });
}

function byName(types: readonly CustomEventType[]): CustomEventType[] {
  return types.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
