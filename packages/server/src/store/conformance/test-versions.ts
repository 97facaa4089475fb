import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Webhook } from '../../domain/webhook.ts';
import type { StoreHarness } from './harness.ts';
import { SAMPLE_AT, sampleChange, sampleConfig } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** What a webhook was before: its versions, and those that were in force at a revision. */
export function testVersions(harness: StoreHarness): void {
  describe('versions', () => {
    const scene = new Scene(harness);

    it('lists every version, newest first, also of a deleted webhook', async () => {
      const lane = await scene.lane();
      await scene.webhook(lane.workspaceId);
      const saved: Webhook[] = [];
      for (let version = 0; version < 12; version += 1) {
        const config = sampleConfig({ timeout: version + 1, headers: { 'X-Version': String(version) } });
        const deletedAt = version === 11 ? SAMPLE_AT : null;
        const change = { config, secret: `secret of version ${version}`, updatedAt: SAMPLE_AT + version, deletedAt };
        saved.push(
          await scene.store.putWebhook(
            sampleChange(lane, { ...change, expectedVersion: version === 0 ? null : version }),
          ),
        );
      }
      const listed = await scene.read((reads) => reads.listWebhookVersions(lane));
      assert.deepEqual(listed, saved.toReversed());
      assert.deepEqual(
        listed.map(({ version }) => version),
        [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
      );
    });

    it('lists none where there was never a webhook', async () => {
      const lane = await scene.lane();
      assert.deepEqual(await scene.read((reads) => reads.listWebhookVersions(lane)), []);
    });

    it('tells which versions were in force at a revision, of webhooks that were not deleted then', async () => {
      const workspaceId = await scene.workspace();
      const [a, b] = [await scene.lane(workspaceId), await scene.lane(workspaceId)];
      const put = (...change: Parameters<typeof sampleChange>) => scene.store.putWebhook(sampleChange(...change));
      const a1 = await put(a);
      const b1 = await put(b);
      const a2 = await put(a, { expectedVersion: 1, config: sampleConfig({ events: ['*'] }) });
      await put(b, { expectedVersion: 1, deletedAt: SAMPLE_AT });
      const a3 = await put(a, { expectedVersion: 2, config: sampleConfig({ active: false }) });
      const inForce = [[], [a1], [a1, b1], [a2, b1], [a2], [a3], [a3]];
      for (const [revision, expected] of inForce.entries()) {
        const found = await scene.read((reads) => reads.webhooksAt(workspaceId, revision));
        assert.deepEqual(
          found.toSorted((x, y) => (x.id < y.id ? -1 : 1)),
          expected.toSorted((x, y) => (x.id < y.id ? -1 : 1)),
          `revision ${revision}`,
        );
      }
      assert.deepEqual(idsOf(await scene.read((reads) => reads.webhooksAt('ws_unknown', 9))), []);
    });
  });
}
