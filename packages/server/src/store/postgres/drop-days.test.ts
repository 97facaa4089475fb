import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { newId } from '../../ids.ts';
import { openOnPostgres } from '../../test/postgres/postgres-harness.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import type { OpenedStore } from '../conformance/harness.ts';
import { idsOf } from '../conformance/scene.ts';
import { testRetention } from '../conformance/test-retention.ts';
import type { Store } from '../store.ts';
import { DAY_MS, digitsOf } from './days.ts';
import { makeDay } from './make-days.ts';
import { DaysScene, daysOf, placesOf, TODAY, transact } from './test-days.ts';

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

describe('retention of days', () => {
  const scene = new DaysScene(() => postgres);
  const OLD = TODAY - 40 * DAY_MS;
  /** The day of `OLD`, and one 20 days later. */
  const makeOldDays = () =>
    transact(scene.opened.url, async (query) => {
      // Before those that are there: for the store they are one range.
      await makeDay(query, digitsOf(OLD), digitsOf(OLD + DAY_MS));
      await makeDay(query, digitsOf(OLD + DAY_MS), digitsOf(TODAY));
    });
  const partitions = (day: number) =>
    scene.opened.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relname LIKE '%\\_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}'`,
    );

  it('drops a day as a whole, and takes aside what is owed', async () => {
    await makeOldDays();
    const [lane, held] = [await scene.lane(), await scene.lane()];
    for (let i = 0; i < 250; i += 1) await scene.recordAt(lane, OLD + i);
    const owed = await scene.recordAt(held, OLD + 1_000);
    const late = await scene.recordAt(held, OLD + 2_000);
    const young = await scene.recordAt(held, TODAY - DAY_MS);
    scene.clock.step(-39 * DAY_MS);
    for (const delivery of await scene.due(lane, 0)) await scene.settle(delivery, { state: 'delivered' });
    const [, second] = await scene.due(held, 0);
    assert.equal(second?.id, late.id);
    assert.ok(second);
    await scene.settle(second, { state: 'pending', dueAt: 0 });
    scene.clock.step(39 * DAY_MS);
    const [again] = await scene.due(held, 1);
    assert.ok(again);
    await scene.settle(again, { state: 'failed', reason: 'gave up' });
    assert.equal((await partitions(OLD)).length, 3);

    const gone = await scene.pruneAll(Date.now() - 30 * DAY_MS);
    assert.deepEqual([gone.events, gone.deliveries], [250, 250]);
    assert.deepEqual(await partitions(OLD), []);
    assert.deepEqual((await scene.read((reads) => reads.listDeliveries({ ...lane, limit: 9 }))).length, 0);
    assert.deepEqual(idsOf(await scene.waiting(held)), [owed.id, young.id]);
    for (const { eventId } of [owed, late]) {
      assert.deepEqual(await placesOf(scene.opened, 'events', eventId), ['broxi.events_aside']);
    }
    assert.equal((await scene.delivery(held, late.id)).state, 'failed');
    assert.equal((await scene.read((reads) => reads.listAttempts(held.workspaceId, late.id))).length, 2);

    await scene.settle(await scene.take(held), { state: 'delivered' });
    assert.deepEqual(await placesOf(scene.opened, 'deliveries', owed.id), ['broxi.deliveries_aside'], 'it has no day');
    await scene.pruneAll(Date.now() - 30 * DAY_MS);
    assert.equal((await scene.delivery(held, owed.id)).state, 'delivered', 'that was now');
    // After now, whatever the time of the day, and before the end of it.
    await scene.pruneAll(TODAY + DAY_MS - 1);
    assert.equal(await scene.read((reads) => reads.getEvent(held.workspaceId, owed.eventId)), null);
    assert.deepEqual(idsOf(await scene.waiting(held)), [young.id]);
  });

  it('keeps together what is on several days', async () => {
    await makeOldDays();
    const [lane, held] = [await scene.lane(), await scene.lane()];
    const over = await scene.recordAt(lane, OLD, OLD + 5 * DAY_MS);
    const owed = await scene.recordAt(held, OLD, OLD + 5 * DAY_MS);
    scene.clock.step(-35 * DAY_MS);
    await scene.settle(await scene.take(lane), { state: 'delivered' });
    scene.clock.step(35 * DAY_MS);
    await scene.pruneAll(Date.now() - 30 * DAY_MS);
    assert.deepEqual(await placesOf(scene.opened, 'events', over.eventId), []);
    assert.deepEqual(await placesOf(scene.opened, 'deliveries', over.id), [], 'its day is not over');
    assert.deepEqual(await placesOf(scene.opened, 'attempts', over.id, 'delivery_id'), []);
    await scene.settle(await scene.take(held), { state: 'pending', dueAt: 0 });
    await scene.pruneAll(TODAY);
    assert.deepEqual(idsOf(await scene.waiting(held)), [owed.id]);
    assert.equal((await scene.read((reads) => reads.listAttempts(held.workspaceId, owed.id))).length, 1);
  });

  it('owes nothing anew of a day that is being removed', async () => {
    const lane = await scene.lane();
    const at = TODAY + 1_000;
    const { id } = await scene.recordAt(lane, at);
    await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
    await scene.opened.query(`UPDATE broxi.days SET is_closed = true WHERE until <= '${digitsOf(TODAY + DAY_MS)}'`);
    assert.equal(await scene.store.replay(lane, id, newId('del')), false);
    assert.equal(await scene.store.requeue(lane, id), false);
    assert.equal((await scene.delivery(lane, id)).state, 'failed', 'it is shown as long as it is there');
    await scene.opened.query('UPDATE broxi.days SET is_closed = false');
    assert.equal(await scene.store.replay(lane, id, newId('del')), true);
    assert.equal(await scene.store.requeue(lane, id), true);
  });

  it('waits for what was begun before a day was closed', async () => {
    const writer = new pg.Client({ connectionString: scene.opened.url });
    await writer.connect();
    await writer.query('BEGIN; SELECT pg_current_xact_id()');
    const end = TODAY + DAY_MS;
    for (let i = 0; i < 9; i += 1) await scene.store.prune({ before: end, after: 0, limit: 100 });
    const isThere = !(await scene.hasNoDayBefore(end));
    await writer.query('ROLLBACK');
    await writer.end();
    assert.ok(isThere);
    await scene.pruneAll(end);
    assert.deepEqual(await partitions(TODAY), []);
  });

  it('is not held up by somebody who reads for long, and holds up nobody', async () => {
    const lane = await scene.lane();
    const end = TODAY + 2 * DAY_MS;
    await scene.recordAt(lane, end - 1_000);
    await scene.settle(await scene.take(lane), { state: 'delivered' });
    const reader = new pg.Client({ connectionString: scene.opened.url });
    await reader.connect();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM broxi.deliveries, broxi.events');
    let longestMs = 0;
    let isPruned = false;
    const pruning = (async () => {
      for (let i = 0; i < 12; i += 1) await scene.store.prune({ before: end, after: 0, limit: 100 });
      isPruned = true;
    })();
    while (!isPruned) {
      const from = performance.now();
      await scene.recordAt(lane, end);
      await scene.store.listDeliveries({ ...lane, limit: 10 });
      longestMs = Math.max(longestMs, performance.now() - from);
    }
    await pruning;
    assert.ok(longestMs < 1_000, `a write and a list took ${longestMs} ms`);
    const isThere = !(await scene.hasNoDayBefore(end));
    await reader.end();
    assert.ok(isThere);
    await scene.pruneAll(end);
    assert.deepEqual(await partitions(TODAY + DAY_MS), []);
  });
});

/**
 * What retention promises, where each event has a day of its own: it begins where the one before ends, and ends when the event
 * is recorded.
 */
describe('history in very short days', () => {
  testRetention({
    async open(clock) {
      const opened = await openOnPostgres(postgres, clock);
      const days = await opened.query<{ name: string }>(
        "SELECT inhrelid::regclass AS name FROM pg_inherits WHERE inhparent::regclass::text LIKE 'broxi.%_by_day'",
      );
      const tables = days.filter(({ name }) => !name.endsWith('_idx') && !name.endsWith('_pkey'));
      await opened.query(`DROP TABLE ${tables.map(({ name }) => name).join(', ')}; TRUNCATE broxi.days`);
      let until: number | null = Date.now();
      const store = (): Store => ({
        ...opened.store,
        async record(recording) {
          if (until !== null) {
            const first = until;
            const end = Math.max(Date.now(), first) + 1;
            until = end;
            await transact(opened.url, (query) => makeDay(query, digitsOf(first), digitsOf(end)));
          }
          return await opened.store.record(recording);
        },
        async prune(step) {
          const result = await opened.store.prune(step);
          const isDone = (await daysOf(opened)).every((day) => day.until > digitsOf(step.before));
          return result.next === null && !isDone ? { ...result, next: 0 } : result;
        },
      });
      const proxied: OpenedStore = {
        get store() {
          return store();
        },
        get reader() {
          return opened.reader;
        },
        addWorkspace: (workspaceId) => opened.addWorkspace(workspaceId),
        async reopen() {
          // It makes days itself.
          until = null;
          await opened.reopen();
        },
        close: () => opened.close(),
      };
      return proxied;
    },
  });
});
