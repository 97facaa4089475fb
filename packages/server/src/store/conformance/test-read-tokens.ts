import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { ReadToken } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { sampleChange } from './samples.ts';
import { Scene } from './scene.ts';

/** What a receiver fetches payloads with: one token for each webhook. */
export function testReadTokens(harness: StoreHarness): void {
  describe('read tokens', () => {
    const scene = new Scene(harness);
    const fresh = (): ReadToken => ({ token: `token ${newId('key')}`, hash: newId('key') });
    const find = (hash: string) => scene.read((reads) => reads.findReadToken(hash));
    const reveal = (lane: Parameters<typeof scene.store.revealReadToken>[0]) =>
      scene.read((reads) => reads.revealReadToken(lane));

    it('are found by their hash alone, and shown as they were given, also after a restart', async () => {
      const [lane, readToken] = [await scene.lane(), fresh()];
      await scene.store.putWebhook(sampleChange(lane, { readToken }));
      await scene.opened.reopen();
      assert.deepEqual(await find(readToken.hash), lane);
      assert.equal(await reveal(lane), readToken.token);
      for (const hash of [readToken.token, readToken.hash.toUpperCase(), readToken.hash.slice(1), '%', '']) {
        assert.equal(await find(hash), null, hash);
      }
    });

    it('stay over changes, until another takes their place', async () => {
      const [lane, first, second] = [await scene.lane(), fresh(), fresh()];
      await scene.store.putWebhook(sampleChange(lane, { readToken: first }));
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, secret: 'another secret text' }));
      assert.deepEqual(await find(first.hash), lane);
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 2, readToken: second }));
      assert.deepEqual([await find(first.hash), await find(second.hash)], [null, lane]);
      assert.equal(await reveal(lane), second.token);
    });

    it('stay where a change is refused', async () => {
      const [lane, first, second] = [await scene.lane(), fresh(), fresh()];
      await scene.store.putWebhook(sampleChange(lane, { readToken: first }));
      const late = sampleChange(lane, { expectedVersion: 9, readToken: second });
      await assert.rejects(scene.store.putWebhook(late), (error) => error instanceof AppError);
      assert.deepEqual([await find(first.hash), await find(second.hash)], [lane, null]);
    });

    it('end with their webhook', async () => {
      const [lane, first] = [await scene.lane(), fresh()];
      await scene.store.putWebhook(sampleChange(lane, { readToken: first }));
      const deleted = { expectedVersion: 1, deletedAt: 1, readToken: fresh() };
      await scene.store.putWebhook(sampleChange(lane, deleted));
      assert.deepEqual([await find(first.hash), await find(deleted.readToken.hash)], [null, null]);
      assert.equal(await reveal(lane), null);
    });

    it('are none where a webhook was saved without', async () => {
      const { workspaceId, id: webhookId } = await scene.webhook();
      assert.equal(await reveal({ workspaceId, webhookId }), null);
    });
  });
}
