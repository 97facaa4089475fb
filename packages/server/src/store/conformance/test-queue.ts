import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Lane, laneKey, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { Position, QueuedDelivery } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { plannedEvent, SAMPLE_AT, SAMPLE_URL, sampleChange, sampleConfig, sampleTest, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** Reading what is owed. */
export function testQueue(harness: StoreHarness): void {
  describe('queue', () => {
    const scene = new Scene(harness);
    /** Owes deliveries of given ids, all due at this moment. */
    const oweNow = (lane: Lane, ids: readonly string[]) => {
      const [first, ...rest] = ids.map((id) => plannedEvent([lane], { ids: [id] }));
      return first === undefined ? Promise.resolve() : scene.store.record(submission([first, ...rest]));
    };
    /** A delivery whose first attempt failed and whose next one is due then. */
    const oweRetry = async (lane: Lane, dueAt: number) => {
      const [id] = await scene.owe(lane);
      const delivery = (await scene.due(lane, 0)).find((each) => each.id === id);
      assert.ok(delivery);
      await scene.settle(delivery, { state: 'pending', dueAt });
      return delivery.id;
    };

    it('reads all that a sender needs to know', async () => {
      const lane = await scene.lane();
      const planned = plannedEvent([lane]);
      await scene.store.record(submission([planned]));
      const { id, type, occurredAt, dataText } = planned.event;
      const first: QueuedDelivery = {
        lane,
        seq: (await scene.take(lane)).seq,
        id: planned.deliveries[0]?.id ?? '',
        class: 0,
        dueAt: scene.clock.now(),
        createdAt: planned.event.acceptedAt,
        origin: 'event',
        attempts: 0,
        seriesFrom: 0,
        route: null,
        run: null,
        atFallback: false,
        payload: 'full',
        event: { id, type, occurredAt, dataText },
      };
      assert.deepEqual(await scene.waiting(lane), [first]);
      await scene.settle(first, { state: 'pending', dueAt: first.dueAt + 5_000 });
      const retry: QueuedDelivery = { ...first, class: 1, dueAt: first.dueAt + 5_000, attempts: 1 };
      assert.deepEqual(await scene.waiting(lane), [retry]);
      await scene.settle(retry, { state: 'failed', reason: 'gave up' });
      scene.clock.step(60_000);
      await scene.store.requeue(lane, first.id);
      const recovered: QueuedDelivery = { ...first, class: 2, dueAt: scene.clock.now(), attempts: 2, seriesFrom: 2 };
      assert.deepEqual(await scene.waiting(lane), [recovered]);
      await scene.settle(recovered, { state: 'delivered' });
      await scene.store.replay(lane, first.id, 'del_replay');
      const { seq } = await scene.take(lane);
      assert.ok(seq > first.seq);
      const replayed = {
        seq,
        id: 'del_replay',
        origin: 'replay',
        createdAt: scene.clock.now(),
        attempts: 0,
        seriesFrom: 0,
        route: null,
        atFallback: false,
        payload: 'full',
      };
      assert.deepEqual(await scene.waiting(lane), [{ ...recovered, ...replayed }]);
    });

    it('reads in order of due time, then as the deliveries were taken in', async () => {
      const lane = await scene.lane();
      await oweNow(lane, ['del_c', 'del_a', 'del_d']);
      await oweNow(lane, ['del_b']);
      scene.clock.step(1);
      await oweNow(lane, ['del_0', 'del_z']);
      const read = await scene.due(lane, 0);
      assert.deepEqual(idsOf(read), ['del_c', 'del_a', 'del_d', 'del_b', 'del_0', 'del_z']);
      assert.ok(
        read.every(({ seq }, i) => i === 0 || seq > (read[i - 1]?.seq ?? seq)),
        'seq grows',
      );
      const other = await scene.lane();
      const now = scene.clock.now();
      const expected: string[] = [];
      for (const delayMs of [100, 30, 30]) expected.push(await oweRetry(other, now + delayMs));
      assert.deepEqual(idsOf(await scene.due(other, 1)), [expected[1], expected[2], expected[0]]);
    });

    it('goes on after a position, and finds each once', async () => {
      const lane = await scene.lane();
      await oweNow(lane, ['del_e', 'del_b', 'del_a']);
      scene.clock.step(5);
      await oweNow(lane, ['del_c', 'del_d', 'del_f', 'del_1']);
      const all = await scene.due(lane, 0);
      assert.deepEqual(idsOf(all), ['del_e', 'del_b', 'del_a', 'del_c', 'del_d', 'del_f', 'del_1']);
      for (const limit of [1, 2, 3, 7, 8]) {
        const found: QueuedDelivery[] = [];
        let after: Position | null = null;
        for (let page = 0; page < 10; page += 1) {
          const read: QueuedDelivery[] = await scene.due(lane, 0, { after, limit });
          assert.ok(read.length <= limit);
          found.push(...read);
          after = found.at(-1) ?? null;
        }
        assert.deepEqual(found, all, `${limit} at a time`);
      }
      const [last, afterAll] = [all.at(2)?.seq ?? 0, all.at(-1)?.seq ?? 0];
      const dueAt = scene.clock.now();
      assert.deepEqual(await scene.due(lane, 0, { after: { dueAt, seq: last } }), all.slice(3));
      assert.deepEqual(await scene.due(lane, 0, { after: { dueAt: dueAt - 1, seq: afterAll } }), all.slice(3));
      assert.deepEqual(await scene.due(lane, 0, { after: { dueAt, seq: afterAll } }), []);
    });

    it('reads what is due at an instant or before', async () => {
      const lane = await scene.lane();
      const now = scene.clock.now();
      const [soon, later] = [await oweRetry(lane, now + 1_000), await oweRetry(lane, now + 2_000)];
      const dueBy = async (instant: number) => idsOf(await scene.due(lane, 1, { dueBy: instant }));
      assert.deepEqual(await dueBy(now + 999), []);
      assert.deepEqual(await dueBy(now + 1_000), [soon]);
      assert.deepEqual(await dueBy(now + 1_999), [soon]);
      assert.deepEqual(await dueBy(now + 2_000), [soon, later]);
    });

    it('reads one class of one lane', async () => {
      const lane = await scene.lane();
      const neighbour = await scene.lane(lane.workspaceId);
      const retry = await oweRetry(lane, scene.clock.now() + 1_000);
      const [recovered] = await scene.owe(lane);
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
      await scene.store.requeue(lane, recovered ?? '');
      const [first] = await scene.owe(lane);
      const [other] = await scene.owe(neighbour);
      assert.deepEqual(idsOf(await scene.due(lane, 0)), [first]);
      assert.deepEqual(idsOf(await scene.due(lane, 1)), [retry]);
      assert.deepEqual(idsOf(await scene.due(lane, 2)), [recovered]);
      assert.deepEqual(idsOf(await scene.waiting(neighbour)), [other]);
    });

    it('writes nothing by reading', async () => {
      const lane = await scene.lane();
      await scene.owe(lane, 3);
      const before = await scene.store.counters();
      const read = await scene.due(lane, 0);
      assert.deepEqual(await scene.due(lane, 0), read);
      await scene.store.sweep();
      await scene.store.nextDueAt(lane, 0);
      await scene.store.loadLane(lane);
      assert.deepEqual(await scene.store.counters(), before);
      for (const { id } of read) assert.equal((await scene.delivery(lane, id)).state, 'pending');
    });

    it('never owes anything before what was owed earlier, whatever is done to the clock', async () => {
      const lane = await scene.lane();
      const { lane: ended, id } = await scene.ended('failed');
      const delivered = await scene.ended('delivered');
      await scene.owe(lane);
      const { dueAt } = await scene.take(lane);
      scene.clock.step(-3_600_000);
      await scene.owe(lane);
      await scene.store.requeue(ended, id);
      assert.equal(await scene.store.replay(delivered.lane, delivered.id, newId('del')), true);
      for (const delivery of (
        await Promise.all([lane, ended, delivered.lane].map((each) => scene.waiting(each)))
      ).flat()) {
        assert.ok(delivery.dueAt >= dueAt, `${delivery.dueAt} is before ${dueAt}`);
      }
      scene.clock.step(7_200_000);
      await scene.owe(lane);
      assert.equal((await scene.due(lane, 0)).at(-1)?.dueAt, scene.clock.now());
    });

    it('sweeps up every lane in which something waits, once', async () => {
      const workspaceId = await scene.workspace();
      const swept = async () => {
        const lanes = (await scene.store.sweep()).filter((lane) => lane.workspaceId === workspaceId);
        return lanes.map(laneKey).toSorted();
      };
      const [first, retry, recovered] = await Promise.all([1, 2, 3].map(() => scene.lane(workspaceId)));
      assert.ok(first && retry && recovered);
      assert.deepEqual(await swept(), []);
      await scene.owe(first, 5);
      await oweRetry(retry, scene.clock.now() + 86_400_000);
      await scene.owe(recovered);
      const delivery = await scene.take(recovered);
      await scene.settle(delivery, { state: 'failed', reason: 'gave up' });
      assert.deepEqual(await swept(), [first, retry].map(laneKey).toSorted());
      await scene.store.requeue(recovered, delivery.id);
      assert.deepEqual(await swept(), [first, retry, recovered].map(laneKey).toSorted());
      await scene.settle(await scene.take(retry), { state: 'delivered' });
      await scene.store.cancel({ lane: first, limit: 4, reason: 'test' });
      assert.deepEqual(await swept(), [first, recovered].map(laneKey).toSorted());
      await scene.store.cancel({ lane: first, limit: 4, reason: 'test' });
      assert.deepEqual(await swept(), [laneKey(recovered)]);
    });

    it('tells when the next retry is due after an instant, and of nothing else', async () => {
      const lane = await scene.lane();
      const next = (after: number) => scene.store.nextDueAt(lane, after);
      const now = scene.clock.now();
      await oweRetry(lane, now + 3_000);
      await oweRetry(lane, now + 1_000);
      await oweRetry(await scene.lane(lane.workspaceId), now + 2_000);
      await scene.owe(lane);
      const { id } = await scene.take(lane);
      await scene.store.cancel({ lane, deliveryId: id, limit: 1, reason: 'test' });
      scene.clock.step(500);
      await scene.store.requeue(lane, id);
      await scene.owe(lane);
      assert.equal(await next(0), now + 1_000);
      assert.equal(await next(now + 999), now + 1_000);
      assert.equal(await next(now + 1_000), now + 3_000);
      assert.equal(await next(now + 3_000), null);
      assert.equal(await scene.store.nextDueAt(await scene.lane(), 0), null);
    });

    it('loads a lane: the webhook as it is now, and its present destination', async () => {
      const lane = await scene.lane();
      assert.equal(await scene.store.loadLane(lane), null);
      await scene.store.putWebhook(sampleChange(lane));
      for (let version = 1; version < 11; version += 1) {
        await scene.store.putWebhook(
          sampleChange(lane, { expectedVersion: version, config: sampleConfig({ timeout: version }) }),
        );
      }
      const loaded = await scene.store.loadLane(lane);
      assert.deepEqual([loaded?.webhook.version, loaded?.webhook.config.timeout], [11, 10]);
      assert.deepEqual(loaded?.destinations, new Map());
      const learn = (url: string, notBefore: number) => {
        const value = { ...UNKNOWN_DESTINATION, scheme: 'body', schemeLearnedAt: SAMPLE_AT, notBefore } as const;
        return scene.store.recordTest(sampleTest(lane, { destination: { url, value } }));
      };
      await learn('https://other.example/', 1);
      assert.deepEqual(await scene.destination(lane), UNKNOWN_DESTINATION);
      await learn(SAMPLE_URL, 2);
      await learn(SAMPLE_URL, 3);
      const destination = { ...UNKNOWN_DESTINATION, scheme: 'body', schemeLearnedAt: SAMPLE_AT, notBefore: 3 };
      assert.deepEqual(await scene.destination(lane), destination);
    });

    it('finds nothing where nothing waits', async () => {
      for (const state of ['delivered', 'failed', 'cancelled'] as const) {
        assert.deepEqual(await scene.waiting((await scene.ended(state)).lane), [], state);
      }
      assert.deepEqual(await scene.waiting(await scene.lane()), []);
    });
  });
}
