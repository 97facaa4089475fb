import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { EventQuery } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import {
  answered,
  plannedEvent,
  REFUSED,
  SAMPLE_AT,
  SAMPLE_URL,
  sampleAttempt,
  sampleEvent,
  sampleTest,
  submission,
} from './samples.ts';
import { idsOf, Scene } from './scene.ts';

const THIN = { payload: 'thin' } as const;

/** Recording events and what is owed for them, test sends, and reading events. */
export function testEventLog(harness: StoreHarness): void {
  describe('event log', () => {
    const scene = new Scene(harness);

    it('records an event and every delivery that it causes', async () => {
      const a = await scene.lane();
      const b = await scene.lane(a.workspaceId);
      const planned = plannedEvent([a, b]);
      const { event, deliveries } = planned;
      const { id, type } = event;
      const result = await scene.store.record(submission([planned]));
      assert.deepEqual(result, { kind: 'recorded', events: [{ kind: 'recorded', id, type, deliveries: 2 }] });
      assert.deepEqual(await scene.read((reads) => reads.getEvent(a.workspaceId, id)), event);
      for (const [i, lane] of [a, b].entries()) {
        const deliveryId = deliveries[i]?.id ?? '';
        assert.deepEqual(await scene.delivery(lane, deliveryId), {
          workspaceId: a.workspaceId,
          id: deliveryId,
          webhookId: lane.webhookId,
          eventId: id,
          eventType: type,
          runId: event.runId,
          origin: 'event',
          route: null,
          failedBefore: null,
          atFallback: false,
          payload: 'full',
          state: 'pending',
          batch: null,
          reason: null,
          attempts: 0,
          lastStatus: null,
          createdAt: event.acceptedAt,
          dueAt: scene.clock.now(),
          finishedAt: null,
        });
        assert.deepEqual(idsOf(await scene.due(lane, 0)), [deliveryId]);
      }
    });

    it('keeps for each delivery whether it is thin, also of a test', async () => {
      const [full, thin] = [await scene.lane(), await scene.lane()];
      const lanes = [full, { ...thin, workspaceId: full.workspaceId }] as const;
      const planned = plannedEvent(lanes);
      const deliveries = planned.deliveries.map((delivery, i) => ({ ...delivery, ...(i === 1 && THIN) }));
      await scene.store.record(submission([{ ...planned, deliveries }]));
      await scene.store.recordTest(sampleTest(lanes[1], { deliveryId: 'del_test', ...THIN }));
      for (const [i, lane] of lanes.entries()) {
        const delivery = await scene.take(lane);
        assert.equal(delivery.payload, i === 1 ? 'thin' : 'full');
        assert.equal((await scene.delivery(lane, delivery.id)).payload, delivery.payload);
      }
      assert.equal((await scene.delivery(lanes[1], 'del_test')).payload, 'thin');
    });

    it('records an event that nobody asked for', async () => {
      const event = sampleEvent(await scene.workspace(), { runId: null, dataText: '{}' });
      const { workspaceId, id, type } = event;
      const events = [{ event, deliveries: [], idempotency: null }];
      const result = await scene.store.record({ workspaceId, events, idempotency: null, note: null });
      assert.deepEqual(result, { kind: 'recorded', events: [{ kind: 'recorded', id, type, deliveries: 0 }] });
      assert.deepEqual(await scene.read((reads) => reads.getEvent(workspaceId, id)), event);
    });

    it('answers for the events of a request in their order', async () => {
      const lane = await scene.lane();
      const events = [plannedEvent([lane], { type: 'z.last' }), plannedEvent([lane], { type: 'a.first' })] as const;
      const result = await scene.store.record(submission([...events]));
      assert.ok(result.kind === 'recorded');
      assert.deepEqual(
        result.events.map((outcome) => outcome.kind !== 'conflict' && [outcome.id, outcome.type, outcome.deliveries]),
        events.map(({ event }) => [event.id, event.type, 1]),
      );
    });

    it('keeps the bytes of the data, and large ones too', async () => {
      const lane = await scene.lane();
      const dataText = JSON.stringify({ text: 'ä€😀\u2028\u0000"\\ </script>'.repeat(12_000), n: [1e21, -0, 0.1] });
      const planned = plannedEvent([lane], { dataText });
      await scene.store.record(submission([planned]));
      assert.equal(
        (await scene.read((reads) => reads.getEvent(lane.workspaceId, planned.event.id)))?.dataText,
        dataText,
      );
      assert.equal((await scene.take(lane)).event.dataText, dataText);
    });

    it('takes names with any character in them, as producers may give their runs and keys', async () => {
      const lane = await scene.lane();
      const { workspaceId } = lane;
      const idempotency = { scope: 'POST /v1/events', key: 'k\0\\0', bodyHash: 'h' };
      const runId = 'run\0 \\ \\0 "\'';
      const planned = plannedEvent([lane], { runId, idempotency });
      await scene.store.record(submission([planned]));
      assert.deepEqual(await scene.read((reads) => reads.listEvents({ workspaceId, limit: 9, runId })), [
        planned.event,
      ]);
      const [listed] = await scene.read((reads) => reads.listDeliveries({ workspaceId, limit: 9, runId }));
      assert.equal(listed?.runId, runId);
      assert.deepEqual(await scene.read((reads) => reads.listEvents({ workspaceId, limit: 9, runId: 'run' })), []);
      const again = await scene.store.record(submission([plannedEvent([lane], { idempotency })]));
      assert.ok(again.kind === 'recorded' && again.events[0]?.kind === 'duplicate');
      const other = { ...idempotency, key: 'k\0\0' };
      const fresh = await scene.store.record(submission([plannedEvent([lane], { idempotency: other })]));
      assert.ok(fresh.kind === 'recorded' && fresh.events[0]?.kind === 'recorded');
    });

    it('finds nothing by an id that none can have', async () => {
      const { workspaceId } = await scene.lane();
      assert.equal(await scene.read((reads) => reads.getEvent(workspaceId, 'evt_\0')), null);
      assert.equal(await scene.read((reads) => reads.getDelivery(workspaceId, 'del_\0')), null);
      assert.equal(await scene.store.deleteEventType(workspaceId, 'a.\0'), false);
    });

    it('records all of a request or nothing of it', async () => {
      const lane = await scene.lane();
      const [taken] = await scene.owe(lane);
      const before = await scene.waiting(lane);
      const [first, good] = [plannedEvent([lane]), plannedEvent([lane])];
      const broken = [
        plannedEvent([lane], { id: first.event.id }),
        plannedEvent([lane, lane], { ids: [newId('del'), taken ?? ''] }),
      ];
      for (const last of broken) {
        const recording = [submission([first, last]), submission([plannedEvent([lane])])].map((each) =>
          scene.store.record(each),
        );
        const [refused, taken] = await Promise.allSettled(recording);
        assert.equal(refused?.status, 'rejected');
        assert.equal(taken?.status, 'fulfilled', 'another request of the same moment is not concerned');
        assert.equal(await scene.read((reads) => reads.getEvent(lane.workspaceId, first.event.id)), null);
      }
      await scene.store.record(submission([first, good]));
      assert.equal((await scene.waiting(lane)).length, before.length + 4);
      assert.equal(
        (await scene.read((reads) => reads.listEvents({ workspaceId: lane.workspaceId, limit: 99 }))).length,
        5,
      );
    });

    it('leaves nothing of a refused request that a later one could mistake for its own', async () => {
      const [a, b] = [await scene.lane(), await scene.lane()];
      const event = plannedEvent([a]);
      await assert.rejects(scene.store.record(submission([event, event])));
      const [ofB] = await scene.owe(b);
      const [ofA] = await scene.owe(a);
      assert.deepEqual(idsOf(await scene.waiting(a)), [ofA]);
      assert.deepEqual(idsOf(await scene.waiting(b)), [ofB]);
      for (const { workspaceId } of [a, b]) {
        assert.equal((await scene.read((reads) => reads.listEvents({ workspaceId, limit: 9 }))).length, 1);
      }
    });

    it('knows no event of an unknown id', async () => {
      const workspaceId = await scene.workspace();
      assert.equal(await scene.read((reads) => reads.getEvent(workspaceId, newId('evt'))), null);
    });

    it('lists events newest first, by type and run, after a position', async () => {
      const lane = await scene.lane();
      const rows = [
        ['a.one', 'run_1'],
        ['a.two', 'run_1'],
        ['a.one', null],
        ['a.one', 'run_2'],
        ['a.two', 'run_2'],
        ['a.one', 'run_1'],
      ] as const;
      const ids: string[] = [];
      for (const [type, runId] of rows) {
        const planned = plannedEvent([lane], { type, runId });
        ids.push(planned.event.id);
        await scene.store.record(submission([planned]));
      }
      const queries: [query: Partial<EventQuery>, expected: number[]][] = [
        [{}, [5, 4, 3, 2, 1, 0]],
        [{ limit: 2 }, [5, 4]],
        [{ limit: 2, before: ids[4] ?? '' }, [3, 2]],
        [{ before: ids[0] ?? '' }, []],
        [{ type: 'a.one' }, [5, 3, 2, 0]],
        [{ type: 'a.one', before: ids[3] ?? '', limit: 1 }, [2]],
        [{ type: 'a' }, []],
        [{ runId: 'run_1' }, [5, 1, 0]],
        [{ runId: 'run_1', limit: 1 }, [5]],
        [{ runId: 'run_1', before: ids[5] ?? '' }, [1, 0]],
        [{ runId: 'run_2', type: 'a.two' }, [4]],
        [{ runId: 'run_3' }, []],
      ];
      for (const [query, expected] of queries) {
        const listed = await scene.read((reads) =>
          reads.listEvents({ workspaceId: lane.workspaceId, limit: 99, ...query }),
        );
        assert.deepEqual(
          idsOf(listed).map((id) => ids.indexOf(id)),
          expected,
          JSON.stringify(query),
        );
        for (const event of listed) {
          assert.deepEqual(await scene.store.getEvent(lane.workspaceId, event.id), event);
        }
      }
    });

    describe('a test send', () => {
      it('is recorded as an event, a delivery that is over, and its attempt', async () => {
        const webhook = await scene.webhook();
        const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
        const test = sampleTest(lane);
        scene.clock.step(1_000);
        await scene.store.recordTest(test);
        assert.deepEqual(await scene.read((reads) => reads.getEvent(lane.workspaceId, test.event.id)), test.event);
        assert.deepEqual(await scene.delivery(lane, test.deliveryId), {
          workspaceId: lane.workspaceId,
          id: test.deliveryId,
          webhookId: lane.webhookId,
          eventId: test.event.id,
          eventType: 'webhook.test',
          runId: null,
          origin: 'test',
          route: null,
          failedBefore: null,
          atFallback: false,
          payload: 'full',
          state: 'delivered',
          batch: null,
          reason: null,
          attempts: 1,
          lastStatus: 204,
          createdAt: test.attempt.startedAt,
          dueAt: null,
          finishedAt: scene.clock.now(),
        });
        const attempts = await scene.read((reads) => reads.listAttempts(lane.workspaceId, test.deliveryId));
        assert.deepEqual(attempts, [test.attempt]);
        assert.deepEqual(await scene.waiting(lane), []);
        assert.deepEqual(await scene.destination(lane), UNKNOWN_DESTINATION);
      });

      it('may have failed, with a reason and without an answer', async () => {
        const lane = await scene.lane();
        const test = sampleTest(lane, {
          state: 'failed',
          reason: 'nobody listens',
          attempt: sampleAttempt(1, REFUSED),
        });
        await scene.store.recordTest(test);
        const { state, reason, lastStatus } = await scene.delivery(lane, test.deliveryId);
        assert.deepEqual([state, reason, lastStatus], ['failed', 'nobody listens', null]);
      });

      it('is recorded whole or not at all', async () => {
        const webhook = await scene.webhook();
        const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
        const [deliveryId] = await scene.owe(lane);
        const value = { ...UNKNOWN_DESTINATION, scheme: 'body', schemeLearnedAt: SAMPLE_AT, notBefore: 0 } as const;
        const attempt = sampleAttempt(1, answered(200));
        const test = sampleTest(lane, {
          deliveryId: deliveryId ?? '',
          destination: { url: SAMPLE_URL, value },
          attempt,
        });
        await assert.rejects(scene.store.recordTest(test));
        assert.equal(await scene.read((reads) => reads.getEvent(lane.workspaceId, test.event.id)), null);
        assert.deepEqual(await scene.read((reads) => reads.listAttempts(lane.workspaceId, test.deliveryId)), []);
        assert.deepEqual(await scene.destination(lane), UNKNOWN_DESTINATION);
        assert.equal((await scene.delivery(lane, test.deliveryId)).state, 'pending');
      });
    });
  });
}
