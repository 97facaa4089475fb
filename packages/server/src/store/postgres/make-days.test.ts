import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { createManualClock } from '../conformance/manual-clock.ts';
import { plannedEvent, sampleEvent, submission } from '../conformance/samples.ts';
import { createVault } from '../vault.ts';
import { DAY_MS, digitsOf } from './days.ts';
import { makeDays } from './make-days.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { MIGRATIONS } from './schema.ts';
import { DaysScene, daysOf, placesOf, TODAY, transact } from './test-days.ts';

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

describe('days of history', () => {
  const scene = new DaysScene(() => postgres);

  it('are there for today and a week ahead', async () => {
    const days = Array.from({ length: 8 }, (_, i) => TODAY + i * DAY_MS);
    assert.deepEqual(
      await daysOf(scene.opened),
      days.map((at) => ({ first: digitsOf(at), until: digitsOf(at + DAY_MS) })),
    );
  });

  it('take what is recorded, and look-ups by id touch one of them', async () => {
    const lane = await scene.lane();
    const { eventId, id } = await scene.recordAt(lane, Date.now());
    await scene.settle(await scene.take(lane), { state: 'delivered' });
    const day = new Date(TODAY).toISOString().slice(0, 10).replaceAll('-', '');
    assert.deepEqual(await placesOf(scene.opened, 'events', eventId), [`broxi.events_${day}`]);
    assert.deepEqual(await placesOf(scene.opened, 'deliveries', id), [`broxi.deliveries_${day}`]);
    assert.deepEqual(await placesOf(scene.opened, 'attempts', id, 'delivery_id'), [`broxi.attempts_${day}`]);
    const plan = await scene.opened.query<Record<'QUERY PLAN', string>>(
      `EXPLAIN SELECT * FROM broxi.events WHERE workspace_id = '${lane.workspaceId}' AND id = '${eventId}'`,
    );
    const touched = plan.flatMap((line) => /on (events_\w+)/.exec(line['QUERY PLAN'])?.[1] ?? []);
    assert.deepEqual(touched.toSorted(), [`events_${day}`, 'events_aside']);
  });

  it('are not needed: whatever time the clock of a server shows, what it records is kept, aside', async () => {
    for (const at of [0, TODAY - 30 * DAY_MS, TODAY + 30 * DAY_MS, Date.UTC(2150, 0, 1)]) {
      const lane = await scene.lane();
      const { eventId, id } = await scene.recordAt(lane, at);
      await scene.settle(await scene.take(lane), { state: 'pending', dueAt: 0 });
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
      assert.equal((await scene.delivery(lane, id)).eventId, eventId);
      assert.equal((await scene.read((reads) => reads.listAttempts(lane.workspaceId, id))).length, 2);
      assert.deepEqual(await placesOf(scene.opened, 'events', eventId), ['broxi.events_aside']);
      assert.deepEqual(await placesOf(scene.opened, 'attempts', id, 'delivery_id'), ['broxi.attempts_aside']);
      assert.equal(await scene.store.requeue(lane, id), true);
    }
  });

  it('have no gap when all servers were away for weeks', async () => {
    const later = TODAY + 25 * DAY_MS;
    const { url } = scene.opened;
    assert.equal(await transact(url, (query) => makeDays(query, later + 5_000)), 8);
    const days = await daysOf(scene.opened);
    for (const [i, { first }] of days.entries()) if (i > 0) assert.equal(first, days[i - 1]?.until);
    assert.deepEqual(days.at(8), { first: digitsOf(TODAY + 8 * DAY_MS), until: digitsOf(later + DAY_MS) });
    assert.equal(days.at(-1)?.until, digitsOf(later + 8 * DAY_MS));
    const { eventId } = await scene.recordAt(await scene.lane(), later);
    const [place] = await placesOf(scene.opened, 'events', eventId);
    assert.match(place ?? '', /^broxi\.events_\d{8}$/);
    assert.equal(await transact(url, (query) => makeDays(query, later)), 0);
  });

  it('are made once, however many servers start at the same time, and while somebody reads for long', async () => {
    const { url } = scene.opened;
    const later = TODAY + 60 * DAY_MS;
    const reader = new pg.Client({ connectionString: url });
    await reader.connect();
    await reader.query('BEGIN; SELECT count(*) FROM broxi.events, broxi.deliveries, broxi.attempts');
    const made = await Promise.all(Array.from({ length: 5 }, () => transact(url, (query) => makeDays(query, later))));
    await reader.end();
    assert.equal(
      made.reduce((sum, each) => sum + each),
      8,
    );
  });

  it('are made by whichever of several servers starts first on an empty database', async () => {
    const url = await postgres.createDatabase();
    const vault = createVault(randomBytes(32));
    const stores = await Promise.all(
      [1, 2, 3].map(() => openPostgresStore({ url, vault, clock: createManualClock(), onError: assert.ifError })),
    );
    const [{ count } = { count: 0 }] = await postgres.query<{ count: number }>(
      'SELECT count(*)::int FROM broxi.days',
      url,
    );
    assert.equal(count, 8);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('leave what was recorded before there were any where it is', async () => {
    const url = await postgres.createDatabase();
    const [old, planned] = [sampleEvent('ws_1'), plannedEvent([{ workspaceId: 'ws_1', webhookId: 'wh_1' }])];
    const delivery = planned.deliveries[0]?.id ?? '';
    await postgres.query(
      `CREATE SCHEMA broxi; CREATE TABLE broxi.schema_version (version integer NOT NULL);
        INSERT INTO broxi.schema_version VALUES (2); ${MIGRATIONS.slice(0, 2).join('')};
        INSERT INTO broxi.events (workspace_id, id, type, occurred_at, accepted_at, revision, data)
          VALUES ('ws_1', '${old.id}', 'type', 1, 1, 1, '{}');
        INSERT INTO broxi.deliveries (workspace_id, id, webhook_id, event_id, origin, at_fallback, state, attempts, created_at,
          finished_at) VALUES ('ws_1', '${delivery}', 'wh_1', '${old.id}', 'event', false, 'failed', 0, 1, 1)`,
      url,
    );
    const vault = createVault(randomBytes(32));
    const store = await openPostgresStore({ url, vault, clock: createManualClock(), onError: assert.ifError });
    await store.record(submission([{ ...planned, deliveries: [] }]));
    assert.equal((await store.getEvent('ws_1', old.id))?.dataText, '{}');
    assert.equal((await store.getDelivery('ws_1', delivery))?.eventId, old.id);
    const rows = await postgres.query<{ id: string; aside: boolean }>(
      'SELECT id, aside FROM broxi.events ORDER BY seq',
      url,
    );
    assert.deepEqual(rows, [
      { id: old.id, aside: true },
      { id: planned.event.id, aside: false },
    ]);
    // As a server writes that knows of no days.
    await postgres.query(
      `INSERT INTO broxi.events (workspace_id, id, type, occurred_at, accepted_at, revision, data)
        VALUES ('ws_1', 'evt_another', 'type', 1, 1, 1, '{}')`,
      url,
    );
    assert.equal((await store.getEvent('ws_1', 'evt_another'))?.type, 'type');
    await store.close();
  });
});
