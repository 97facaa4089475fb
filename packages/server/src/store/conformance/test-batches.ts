import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { QueuedDelivery, SuccessorBatch } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { answered, plannedEvent, SAMPLE_AT, sampleEvent, submission } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** What waits for company, the batches that are made of it, and those that carry on what one did not deliver. */
export function testBatches(harness: StoreHarness): void {
  describe('batches', () => {
    const scene = new Scene(harness);
    const dataOf = ({ event }: QueuedDelivery) => JSON.parse(event.dataText) as BatchData;
    const statesOf = async (lane: Lane, ids: readonly string[]) =>
      Promise.all(
        ids.map(async (id) => {
          const { state, batch } = await scene.delivery(lane, id);
          return [state, batch?.id, batch?.state];
        }),
      );
    const successorOf = (from: QueuedDelivery, members: readonly string[], changes: Partial<SuccessorBatch> = {}) => ({
      ...{ id: newId('del'), eventId: newId('evt'), members, formedAt: scene.clock.now() },
      ...{ atFallback: false, attemptsUsed: 0 },
      dataText: JSON.stringify({ ...dataOf(from), count: members.length }),
      start: 'at once' as const,
      ...changes,
    });

    it('reads in order what waits for company, and shows it nowhere else', async () => {
      const lane = await scene.lane();
      const other = await scene.lane(lane.workspaceId);
      const dataText = '{"text":"Grüße"}';
      const ids = [...(await scene.gather(lane, 2, { dataText })), ...(await scene.gather(lane, 1, { type: 'a.b' }))];
      await scene.gather(other);
      await scene.owe(lane);
      const read = await scene.gathering(lane);
      assert.deepEqual(idsOf(read), ids);
      assert.deepEqual(
        read.map(({ eventType, route, dataBytes }) => [eventType, route, dataBytes]),
        [
          ['workflow.completed', null, 18],
          ['workflow.completed', null, 18],
          ['a.b', null, read[2]?.dataBytes],
        ],
      );
      const second = await scene.store.readGathering({ lane, after: read[0] ?? null, limit: 1 });
      assert.deepEqual(idsOf(second), [ids[1]]);
      assert.equal((await scene.waiting(lane)).length, 1, 'what was owed by itself');
      assert.deepEqual((await scene.delivery(lane, ids[0] ?? '')).state, 'pending');
      assert.ok((await scene.store.sweep()).some(({ webhookId }) => webhookId === lane.webhookId));
    });

    it('makes one delivery of them, with the bodies that each would have had', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 3, { dataText: '{"n":1,"text":"Grüße \\u0000"}' });
      const members = await scene.gathering(lane);
      const formedAt = scene.clock.now();
      const batch = { id: newId('del'), eventId: newId('evt'), eventType: 'workflow.completed', route: 4 };
      assert.equal(await scene.store.formBatch({ lane, ...batch, members, formedAt }), 3);
      const [formed, ...others] = await scene.waiting(lane);
      assert.ok(formed);
      assert.deepEqual(others, []);
      const { seq, dueAt, event, ...rest } = formed;
      assert.ok(seq > Math.max(...members.map((member) => member.seq)));
      assert.ok(dueAt <= scene.clock.now());
      const counts = { attempts: 0, seriesFrom: 0, run: null, atFallback: false, createdAt: formedAt };
      assert.deepEqual(rest, { lane, id: batch.id, class: 0, origin: 'batch', route: 4, payload: 'full', ...counts });
      assert.deepEqual([event.id, event.type, event.occurredAt], [batch.eventId, 'webhook.batch', formedAt]);
      const bodies = ids.map((id) => ({
        ...{ event: 'workflow.completed', timestamp: new Date(SAMPLE_AT - 5_000).toISOString() },
        ...{ webhook_id: lane.webhookId, delivery_id: id, data: { n: 1, text: 'Grüße \u0000' } },
      }));
      const data = { event_type: 'workflow.completed', count: 3, events: bodies };
      assert.equal(event.dataText, JSON.stringify(data), 'to the byte');
      assert.deepEqual(await scene.gathering(lane), []);
      assert.deepEqual(await statesOf(lane, ids), Array(3).fill(['batched', batch.id, 'pending']));
      const { dueAt: memberDueAt, finishedAt } = await scene.delivery(lane, ids[0] ?? '');
      assert.deepEqual([memberDueAt, finishedAt], [null, null]);
      assert.equal((await scene.delivery(lane, batch.id)).batch, null);
    });

    it('has them thin in it where they would go so, whatever the others are', async () => {
      const lane = await scene.lane();
      const dataText = '{"workflow_id":"wf_1","run_id":"run_1","output":"secret"}';
      const thin = plannedEvent([lane], { dataText });
      const deliveries = thin.deliveries.map((each) => ({ ...each, gathers: true, payload: 'thin' }) as const);
      await scene.store.record(submission([{ ...thin, deliveries }]));
      await scene.gather(lane, 1, { dataText });
      const { events } = dataOf(await scene.form(lane));
      assert.deepEqual(
        events.map(({ data }) => JSON.stringify(data)),
        ['{"workflow_id":"wf_1","run_id":"run_1"}', dataText],
      );
    });

    it('leaves out of it what waits no more where it was read, and makes none of nothing', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 3);
      const members = await scene.gathering(lane);
      const batch = () => ({ id: newId('del'), eventId: newId('evt'), eventType: 'workflow.completed', route: null });
      const form = (of: typeof members) => scene.store.formBatch({ lane, ...batch(), members: of, formedAt: 1 });
      assert.equal(await scene.store.cancel({ lane, deliveryId: ids[1] ?? '', limit: 1, reason: 'test' }), 1);
      const elsewhere = members.map((member) => ({ ...member, dueAt: member.dueAt + 1 }));
      assert.equal(await form(elsewhere), 0);
      assert.equal(await form(members), 2);
      assert.equal(await form(members), 0, 'they are in one already');
      const [formed, ...others] = await scene.waiting(lane);
      assert.ok(formed);
      assert.deepEqual(others, []);
      const carried = dataOf(formed);
      assert.deepEqual([carried.count, carried.events.map((each) => each.delivery_id)], [2, [ids[0], ids[2]]]);
      assert.equal((await scene.delivery(lane, ids[1] ?? '')).state, 'cancelled');
      const nobodys = await scene.lane();
      assert.equal(await scene.store.formBatch({ lane: nobodys, ...batch(), members, formedAt: 1 }), 0);
    });

    it('has them go by themselves, in their order, when they gather no more', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 3);
      assert.equal(await scene.store.releaseGathering(lane, 2), 2);
      assert.deepEqual(idsOf(await scene.due(lane, 0)), ids.slice(0, 2));
      assert.deepEqual(idsOf(await scene.gathering(lane)), ids.slice(2));
      assert.equal(await scene.store.releaseGathering(lane, 2), 1);
      assert.equal(await scene.store.releaseGathering(lane, 2), 0);
      const [first, second] = await scene.due(lane, 0);
      assert.ok(first && second);
      assert.ok(await scene.settle(first, { state: 'delivered' }));
      assert.equal(await scene.store.cancel({ lane, deliveryId: second.id, limit: 1, reason: 'test' }), 1);
      assert.deepEqual(idsOf(await scene.waiting(lane)), ids.slice(2));
    });

    it('shows of each member what became of its batch', async () => {
      for (const next of [{ state: 'delivered' }, { state: 'failed', reason: 'gave up' }] as const) {
        const lane = await scene.lane();
        const ids = await scene.gather(lane, 2);
        const batch = await scene.form(lane);
        await scene.settle(batch, { state: 'pending', dueAt: scene.clock.now() });
        assert.deepEqual(await statesOf(lane, ids), Array(2).fill(['batched', batch.id, 'pending']));
        scene.clock.step(1_000);
        await scene.settle(await scene.take(lane), next);
        assert.deepEqual(await statesOf(lane, ids), Array(2).fill(['batched', batch.id, next.state]));
        const { finishedAt } = await scene.delivery(lane, ids[0] ?? '');
        assert.equal(finishedAt, (await scene.delivery(lane, batch.id)).finishedAt);
      }
    });

    it('lists members by their state and by their batch, and the events of batches only to those who ask', async () => {
      const lane = await scene.lane();
      const { workspaceId } = lane;
      const ids = await scene.gather(lane, 2);
      const one = await scene.form(lane);
      const [other = ''] = await scene.gather(lane);
      const two = await scene.form(lane);
      const list = (query: object) =>
        scene.read((reads) => reads.listDeliveries({ workspaceId, limit: 9, ...query })).then(idsOf);
      assert.deepEqual(await list({ batchId: one.id }), ids.toReversed());
      assert.deepEqual(await list({ batchId: two.id }), [other]);
      assert.deepEqual(await list({ batchId: ids[0] }), []);
      assert.deepEqual(await list({ state: 'batched' }), [other, ...ids.toReversed()]);
      assert.deepEqual(await list({ state: 'pending' }), [two.id, one.id]);
      const events = (query: object) =>
        scene
          .read((reads) => reads.listEvents({ workspaceId, limit: 9, ...query }))
          .then((all) => all.map((e) => e.type));
      assert.deepEqual(await events({}), Array(3).fill('workflow.completed'));
      assert.deepEqual(await events({ type: 'webhook.batch' }), Array(2).fill('webhook.batch'));
      assert.deepEqual(await events({ runId: 'run_1' }), Array(3).fill('workflow.completed'));
    });

    it('cancels and puts back a batch with all its members, and none of them by itself', async () => {
      const lane = await scene.lane();
      const [member = ''] = await scene.gather(lane, 2);
      const { id } = await scene.form(lane);
      const cancel = (deliveryId: string) => scene.store.cancel({ lane, deliveryId, limit: 1, reason: 'test' });
      assert.equal(await cancel(member), 0);
      assert.equal(await scene.store.replay(lane, member, newId('del')), false, 'its batch waits');
      assert.equal(await cancel(id), 1);
      assert.deepEqual(await statesOf(lane, [member]), [['batched', id, 'cancelled']]);
      assert.equal(await scene.store.requeue(lane, member), false);
      const again = newId('del');
      assert.equal(await scene.store.replay(lane, member, again), true, 'its batch is over');
      assert.equal((await scene.delivery(lane, again)).batch, null);
      assert.equal(await scene.store.requeue(lane, id), true);
      assert.deepEqual(await statesOf(lane, [member]), [['batched', id, 'pending']]);
      assert.deepEqual(idsOf(await scene.due(lane, 2)), [id, again]);
    });

    it('cancels all of a lane, whether it waits for company or not', async () => {
      const lane = await scene.lane();
      const ids = [...(await scene.gather(lane, 3)), ...(await scene.owe(lane))];
      assert.equal(await scene.store.cancel({ lane, limit: 9, reason: 'test' }), 4);
      assert.deepEqual(await statesOf(lane, ids), Array(4).fill(['cancelled', undefined, undefined]));
      assert.deepEqual(await scene.gathering(lane), []);
    });

    it('hands members on to another batch, with the outcome of theirs', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 3);
      const batch = await scene.form(lane, { route: 2 });
      const dueAt = scene.clock.now() + 5_000;
      const start = { state: 'pending', dueAt } as const;
      const successor = successorOf(batch, ids.slice(1), { attemptsUsed: 2, start });
      assert.ok(await scene.settle(batch, { state: 'delivered' }, { successors: [successor] }));
      assert.deepEqual(await statesOf(lane, ids), [
        ['batched', batch.id, 'delivered'],
        ['batched', successor.id, 'pending'],
        ['batched', successor.id, 'pending'],
      ]);
      const [retry, ...others] = await scene.waiting(lane);
      assert.ok(retry);
      assert.deepEqual(others, []);
      const { class: deliveryClass, attempts, seriesFrom, route, origin, event } = retry;
      assert.deepEqual([retry.id, deliveryClass, retry.dueAt], [successor.id, 1, dueAt]);
      assert.deepEqual([attempts, seriesFrom, route, origin], [0, -2, 2, 'batch']);
      assert.deepEqual([event.id, event.type], [successor.eventId, 'webhook.batch']);
      assert.equal(event.dataText, successor.dataText);
      assert.equal(await scene.store.nextDueAt(lane, scene.clock.now()), dueAt);
      assert.equal(await scene.settle(batch, { state: 'delivered' }, { successors: [successor] }), false, 'once');
    });

    it('splits a batch into two that are due at once, and puts it back no more', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 4);
      const batch = await scene.form(lane);
      const halves = [successorOf(batch, ids.slice(0, 2)), successorOf(batch, ids.slice(2))];
      const result = answered(413);
      assert.ok(await scene.settle(batch, { state: 'cancelled', reason: 'split' }, { successors: halves, result }));
      const { state, reason, lastStatus } = await scene.delivery(lane, batch.id);
      assert.deepEqual([state, reason, lastStatus], ['cancelled', 'split', 413]);
      const due = await scene.due(lane, 0);
      assert.deepEqual(idsOf(due), idsOf(halves));
      assert.deepEqual(new Set(due.map(({ seriesFrom }) => seriesFrom)), new Set([0]));
      assert.deepEqual(
        await statesOf(lane, ids),
        [0, 0, 1, 1].map((half) => ['batched', halves[half]?.id, 'pending']),
      );
      assert.equal(await scene.store.requeue(lane, batch.id), false, 'its members would be sent twice');
      assert.equal(await scene.store.replay(lane, batch.id, newId('del')), true, 'that is asked for');
    });

    it('records a batch that has no attempts left, with its members', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 2);
      const batch = await scene.form(lane);
      const start = { state: 'failed', reason: 'all 4 attempts used' } as const;
      const successor = successorOf(batch, ids.slice(1), { start, attemptsUsed: 4 });
      await scene.settle(batch, { state: 'delivered' }, { successors: [successor] });
      const { state, reason, attempts, finishedAt } = await scene.delivery(lane, successor.id);
      assert.deepEqual([state, reason, attempts], ['failed', 'all 4 attempts used', 0]);
      assert.notEqual(finishedAt, null);
      assert.deepEqual(await statesOf(lane, ids.slice(1)), [['batched', successor.id, 'failed']]);
      assert.deepEqual(await scene.waiting(lane), []);
      assert.equal(await scene.store.requeue(lane, successor.id), true, 'it can be put back like any other');
      const [recovered] = await scene.due(lane, 2);
      assert.deepEqual([recovered?.attempts, recovered?.seriesFrom], [0, 0], 'with a schedule of its own');
    });

    it('sends a batch to the fallback with all its members, in a series of its own', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 2);
      const batch = await scene.form(lane, { route: 2 });
      const dueAt = scene.clock.now() + 1;
      assert.ok(await scene.settle(batch, { state: 'pending', dueAt, atFallback: true }));
      const [diverted] = await scene.due(lane, 1);
      assert.deepEqual(diverted?.event, batch.event, 'the same bytes');
      const { id, attempts, seriesFrom, route, atFallback } = diverted;
      assert.deepEqual([id, attempts, seriesFrom, route, atFallback], [batch.id, 1, 1, 2, true]);
      for (const member of ids) {
        const shown = await scene.delivery(lane, member);
        assert.deepEqual(shown.batch, { id: batch.id, state: 'pending', atFallback: true });
      }
    });

    it('hands members on to a batch that goes to the fallback, due later or at once', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 4);
      const batch = await scene.form(lane, { route: 2 });
      const due = (delayMs: number) => ({ state: 'pending', dueAt: scene.clock.now() + delayMs }) as const;
      const successors = [
        successorOf(batch, ids.slice(0, 1), { atFallback: true, start: due(1) }),
        successorOf(batch, ids.slice(1, 2), { atFallback: true, start: due(5_000), attemptsUsed: 3 }),
        successorOf(batch, ids.slice(2, 3), { atFallback: true, start: 'at once' }),
        successorOf(batch, ids.slice(3), { start: due(5_001) }),
      ];
      assert.ok(await scene.settle(batch, { state: 'cancelled', reason: 'split' }, { successors }));
      const isAtFallback = async () =>
        (await scene.waiting(lane)).map((each) => [each.id, each.seriesFrom, each.route, each.atFallback]);
      const [first, second, third, other] = idsOf(successors);
      const expected = [
        [third, 0, 2, true],
        [first, 0, 2, true],
        [second, -3, 2, true],
        [other, 0, 2, false],
      ];
      assert.deepEqual(await isAtFallback(), expected);
      await scene.opened.reopen();
      assert.deepEqual(await isAtFallback(), expected);
      assert.equal((await scene.delivery(lane, ids[0] ?? '')).batch?.atFallback, true);
      assert.equal((await scene.delivery(lane, ids[3] ?? '')).batch?.atFallback, false);
    });

    it('records a batch that has no attempts left at the fallback, and puts it back at its own URL', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 2);
      const batch = await scene.form(lane);
      const start = { state: 'failed', reason: 'all 4 attempts used' } as const;
      const successor = successorOf(batch, ids, { start, atFallback: true, attemptsUsed: 4 });
      await scene.settle(batch, { state: 'delivered' }, { successors: [successor] });
      assert.equal((await scene.delivery(lane, successor.id)).atFallback, true);
      assert.equal((await scene.delivery(lane, ids[0] ?? '')).batch?.atFallback, true);
      assert.equal(await scene.store.requeue(lane, successor.id), true);
      const [recovered] = await scene.due(lane, 2);
      assert.deepEqual([recovered?.id, recovered?.atFallback], [successor.id, false]);
    });

    it('hands on the members that are in it, and of a replay none', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 2);
      const batch = await scene.form(lane);
      await scene.settle(batch, { state: 'delivered' });
      const replayId = newId('del');
      assert.equal(await scene.store.replay(lane, batch.id, replayId), true);
      const [replay] = await scene.due(lane, 2);
      assert.ok(replay);
      assert.equal(replay.event.dataText, batch.event.dataText);
      const successor = successorOf(replay, ids.slice(1));
      await scene.settle(replay, { state: 'delivered' }, { successors: [successor] });
      assert.deepEqual(await statesOf(lane, ids), Array(2).fill(['batched', batch.id, 'delivered']));
      assert.deepEqual(idsOf(await scene.due(lane, 0)), [successor.id]);
    });

    it('counts members that went into a batch, and the batch as a delivery', async () => {
      const lane = await scene.lane();
      const added = async (act: () => Promise<unknown>) => {
        const before = await scene.store.counters();
        await act();
        const after = await scene.store.counters();
        const { deliveriesCreated, deliveriesBatched, pending, eventsAccepted } = after;
        return [
          deliveriesCreated - before.deliveriesCreated,
          deliveriesBatched - before.deliveriesBatched,
          pending - before.pending,
          eventsAccepted - before.eventsAccepted,
        ];
      };
      let ids: string[] = [];
      assert.deepEqual(
        await added(async () => {
          ids = await scene.gather(lane, 3);
        }),
        [3, 0, 3, 3],
      );
      assert.deepEqual(await added(() => scene.form(lane)), [1, 3, -2, 0]);
      const batch = await scene.take(lane);
      const halves = [successorOf(batch, ids.slice(0, 2)), successorOf(batch, ids.slice(2))];
      const split = () => scene.settle(batch, { state: 'cancelled', reason: 'split' }, { successors: halves });
      assert.deepEqual(await added(split), [2, 0, 1, 0]);
      assert.deepEqual(await added(() => scene.store.releaseGathering(lane, 9)), [0, 0, 0, 0]);
    });

    it('keeps all of it over a restart', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 3);
      const [, ...later] = await scene.gathering(lane);
      const batch = await scene.form(lane, {});
      const more = await scene.gather(lane, 2);
      const before = await scene.gathering(lane);
      await scene.opened.reopen();
      assert.deepEqual(await scene.gathering(lane), before);
      assert.deepEqual(idsOf(before), more);
      assert.deepEqual(await scene.waiting(lane), [batch]);
      assert.deepEqual(await statesOf(lane, ids), Array(3).fill(['batched', batch.id, 'pending']));
      assert.equal(later.length, 2);
    });

    it('writes all of an outcome and its successors, or nothing', async () => {
      const lane = await scene.lane();
      const ids = await scene.gather(lane, 2);
      const batch = await scene.form(lane);
      const taken = plannedEvent([lane], { ...sampleEvent(lane.workspaceId) });
      await scene.store.record(submission([taken]));
      const successor = successorOf(batch, ids, { eventId: taken.event.id });
      await assert.rejects(scene.settle(batch, { state: 'delivered' }, { successors: [successor] }));
      assert.deepEqual(await statesOf(lane, ids), Array(2).fill(['batched', batch.id, 'pending']));
      assert.equal((await scene.delivery(lane, batch.id)).state, 'pending');
      assert.deepEqual((await scene.due(lane, 0))[0], batch);
    });
  });
}

interface BatchData {
  event_type: string;
  count: number;
  events: { delivery_id: string; data: object }[];
}
