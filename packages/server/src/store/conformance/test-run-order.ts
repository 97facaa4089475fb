import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OnExhausted } from '../../domain/ordering.ts';
import { type Lane, laneKey } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { HeadsQuery, HeadsRead, Wake } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { plannedEvent, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

const FAILED = { state: 'failed', reason: 'gave up' } as const;

/** Reading deliveries of which those of one run go one after the other. That no sequence of writes confuses it, the model says. */
export function testRunOrder(harness: StoreHarness): void {
  describe('order of runs', () => {
    const scene = new Scene(harness);
    /** A delivery for each, of the run that is named, or of none. @returns their ids */
    const owe = async (lane: Lane, runs: readonly (string | null)[]) => {
      const events = runs.map((run) => {
        const planned = plannedEvent([lane]);
        return {
          ...planned,
          deliveries: planned.deliveries.map((each) => ({ ...each, ...(run !== null && { run }) })),
        };
      });
      const [first, ...rest] = events;
      assert.ok(first);
      await scene.store.record(submission([first, ...rest]));
      return events.flatMap(({ deliveries }) => idsOf(deliveries));
    };
    const read = (lane: Lane, query: Partial<HeadsQuery> = {}) => {
      const everything = { class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 99 } as const;
      return scene.store.readHeads({ lane, onExhausted: 'block', ...everything, ...query });
    };
    const heads = async (lane: Lane, onExhausted: OnExhausted = 'block') => {
      const reads = await Promise.all(([0, 1, 2] as const).map((each) => read(lane, { class: each, onExhausted })));
      return reads.flatMap((each) => idsOf(each.heads));
    };
    const headOf = async (
      lane: Lane,
      run: string,
      { dueBy = Number.MAX_SAFE_INTEGER, onExhausted = 'block' as OnExhausted } = {},
    ) => idsOf(await scene.store.headsOf({ lane, runs: [run], onExhausted, dueBy }));
    const settle = async (lane: Lane, id: string | undefined, next: Parameters<Scene['settle']>[1]) => {
      const delivery = (await scene.waiting(lane)).find((each) => each.id === id);
      assert.ok(delivery, `${id} waits`);
      assert.equal(await scene.settle(delivery, next), true);
    };
    const cancel = (lane: Lane, deliveryId: string | undefined) =>
      scene.store.cancel({ lane, deliveryId: deliveryId ?? '', limit: 1, reason: 'cancelled by request' });

    it('reads the first of each run, and all that have none', async () => {
      const lane = await scene.lane();
      const [a1, , b1, free1, free2] = await owe(lane, ['a', 'a', 'b', null, null, 'b', 'a']);
      const neighbour = await scene.lane(lane.workspaceId);
      const [other] = await owe(neighbour, ['a']);
      const { heads: found } = await read(lane);
      assert.deepEqual(idsOf(found), [a1, b1, free1, free2]);
      assert.deepEqual(
        found.map(({ run }) => run),
        ['a', 'b', null, null],
      );
      assert.deepEqual(await heads(neighbour), [other]);
      assert.equal((await scene.due(lane, 0)).length, 7, 'the order is for those to keep who want to');
    });

    it('reads the next one of a run when the one before it is over, not while it is to be tried again', async () => {
      const lane = await scene.lane();
      const [first, second, third] = await owe(lane, ['a', 'a', 'a']);
      const dueAt = scene.clock.now() + 60_000;
      await settle(lane, first, { state: 'pending', dueAt });
      assert.deepEqual(await heads(lane), [first]);
      assert.deepEqual(await headOf(lane, 'a', { dueBy: dueAt - 1 }), []);
      assert.deepEqual(await headOf(lane, 'a', { dueBy: dueAt }), [first]);
      await settle(lane, first, { state: 'delivered' });
      assert.deepEqual([await heads(lane), await headOf(lane, 'a')], [[second], [second]]);
      await cancel(lane, second);
      assert.deepEqual([await heads(lane), await headOf(lane, 'a')], [[third], [third]]);
      await settle(lane, third, { state: 'delivered' });
      assert.deepEqual([await heads(lane), await headOf(lane, 'a')], [[], []]);
    });

    it('stops behind one that failed, or goes on, as it is asked to', async () => {
      const lane = await scene.lane();
      const [failed, next] = await owe(lane, ['a', 'a', 'b', null]);
      const others = (await heads(lane)).slice(1);
      await settle(lane, failed, FAILED);
      assert.deepEqual(await heads(lane, 'block'), others);
      assert.deepEqual(await headOf(lane, 'a'), []);
      assert.deepEqual(await heads(lane, 'skip'), [next, ...others]);
      assert.deepEqual(await headOf(lane, 'a', { onExhausted: 'skip' }), [next]);
    });

    it('says which one failed before a delivery that waits', async () => {
      const lane = await scene.lane();
      const [failed, next, last, other] = await owe(lane, ['a', 'a', 'a', 'b']);
      const before = async (id = '') => (await scene.delivery(lane, id)).failedBefore;
      await settle(lane, failed, FAILED);
      await settle(lane, next, FAILED);
      assert.deepEqual([await before(failed), await before(next)], [null, null], 'they do not wait');
      assert.deepEqual([await before(last), await before(other)], [failed, null]);
      await scene.store.requeue(lane, failed ?? '');
      assert.deepEqual([await before(last), await before(failed)], [next, null]);
    });

    it('frees a run when the one that failed is put back and delivered, or given up', async () => {
      const lane = await scene.lane();
      const [first, second, third] = await owe(lane, ['a', 'a', 'a']);
      await settle(lane, first, FAILED);
      await scene.store.requeue(lane, first ?? '');
      assert.deepEqual([await heads(lane), await headOf(lane, 'a')], [[first], [first]]);
      await settle(lane, first, { state: 'delivered' });
      await settle(lane, second, FAILED);
      assert.deepEqual(await heads(lane), []);
      const { finishedAt: _, ...given } = await scene.delivery(lane, second ?? '');
      const before = await scene.store.counters();
      scene.clock.step(1_000);
      assert.equal(await cancel(lane, second), 1);
      assert.equal(await cancel(lane, second), 0);
      const cancelled = { state: 'cancelled', reason: 'cancelled by request', finishedAt: scene.clock.now() };
      assert.deepEqual(await scene.delivery(lane, second ?? ''), { ...given, ...cancelled });
      const after = await scene.store.counters();
      assert.deepEqual([after.pending, after.settledCancelled], [before.pending, before.settledCancelled + 1]);
      assert.deepEqual(await heads(lane), [third]);
    });

    it('does not give up what failed and holds up nothing', async () => {
      const { lane, id } = await scene.ended('failed');
      assert.equal(await cancel(lane, id), 0);
    });

    it('puts what is put back before what came after it, and a replay behind everything', async () => {
      const lane = await scene.lane();
      const [first, second] = await owe(lane, ['a', 'a']);
      await settle(lane, first, FAILED);
      assert.deepEqual(await heads(lane, 'skip'), [second]);
      await scene.store.requeue(lane, first ?? '');
      assert.deepEqual(await heads(lane, 'skip'), [first]);
      await settle(lane, first, { state: 'delivered' });
      const replayed = newId('del');
      await scene.store.replay(lane, first ?? '', replayed);
      assert.deepEqual(await heads(lane), [second]);
      await settle(lane, second, { state: 'delivered' });
      assert.deepEqual(await heads(lane), [replayed]);
    });

    it('reads the heads of several runs at once, those that are due', async () => {
      const lane = await scene.lane();
      const [a, , b, c] = await owe(lane, ['a', 'a', 'b', 'c', null]);
      const now = scene.clock.now();
      await settle(lane, b, { state: 'pending', dueAt: now + 1 });
      const of = async (dueBy: number) =>
        idsOf(await scene.store.headsOf({ lane, runs: ['a', 'b', 'c', 'none'], onExhausted: 'skip', dueBy }));
      assert.deepEqual((await of(now)).toSorted(), [a, c].toSorted());
      assert.deepEqual((await of(now + 1)).toSorted(), [a, b, c].toSorted());
    });

    it('comes through a long run in steps, and finds every head once', async () => {
      const lane = await scene.lane();
      const [long] = await owe(
        lane,
        Array.from({ length: 900 }, () => 'long'),
      );
      scene.clock.step(1);
      const others = await owe(lane, ['a', 'b', null]);
      for (const limit of [1, 2, 3, 99]) {
        const found: string[] = [];
        let steps = 0;
        for (let after: HeadsRead['through'] = null, hasMore = true; hasMore; steps += 1) {
          const page: HeadsRead = await read(lane, { after, limit });
          assert.ok(page.heads.length <= limit);
          found.push(...idsOf(page.heads));
          ({ through: after, hasMore } = page);
        }
        assert.deepEqual(found, [long, ...others], `${limit} at a time`);
        assert.ok(steps < 500, `${steps} steps`);
      }
    });

    it('tells the owner of the lane in which runs something was put back, replayed or cancelled', async () => {
      const lane = await scene.lane();
      const [a, b, c, d, free] = await owe(lane, ['a', 'b', 'c', 'd', null]);
      for (const id of [a, b]) await settle(lane, id, FAILED);
      await settle(lane, c, { state: 'delivered' });
      const told = async (act: () => Promise<unknown>) => {
        const heard: Wake[] = [];
        scene.store.onWake((wakes) => heard.push(...wakes.filter((wake) => laneKey(wake.lane) === laneKey(lane))));
        await act();
        return heard.flatMap(({ putBack, freed }) => [[...putBack], [...freed]]);
      };
      assert.deepEqual(await told(() => scene.store.requeue(lane, a ?? '')), [['a'], []]);
      assert.deepEqual(await told(() => cancel(lane, b)), [[], ['b']]);
      assert.deepEqual(await told(() => scene.store.replay(lane, c ?? '', newId('del'))), [['c'], []]);
      assert.deepEqual(await told(() => cancel(lane, d)), [[], ['d']]);
      for (const act of [
        () => cancel(lane, free),
        () => cancel(lane, b),
        () => settle(lane, a, { state: 'delivered' }),
      ]) {
        assert.deepEqual((await told(act)).flat(), []);
      }
    });
  });
}
