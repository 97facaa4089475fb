import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoreHarness } from './harness.ts';
import { Scene } from './scene.ts';

/** Whose the lanes are, where nobody else is there. What several processes do is for the driver's own tests. */
export function testOwnership(harness: StoreHarness): void {
  describe('ownership', () => {
    const scene = new Scene(harness);

    it('is the only process’s, of every lane and at once, also after it was opened again', async () => {
      for (let opening = 0; opening < 2; opening += 1) {
        for (let i = 0; i < 100; i += 1) assert.equal(scene.store.owns(await scene.lane('ws_1')), true);
        await scene.opened.reopen();
      }
    });

    it('lets whoever is told of changes register, and has none to tell', async () => {
      const told: string[] = [];
      scene.store.onOwnership({
        gained: () => told.push('gained'),
        letGo: async () => void told.push('lost'),
      });
      await scene.owe(await scene.lane());
      assert.deepEqual(told, []);
    });
  });
}
