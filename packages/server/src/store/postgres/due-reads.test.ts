import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { systemClock } from '../../clock.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { createVault } from '../vault.ts';
import { openPostgresStore } from './open-postgres-store.ts';

/* What the next deliveries cost to read, in pages, where the database is wrong about how many there are. */

const ROWS = 200_000;
const LEFT = 4_000;
const LIMIT = 64;
const lane = { workspaceId: 'ws_1', webhookId: 'wh_1' };
let postgres: ThrowawayPostgres;

before(async () => {
  postgres = await ThrowawayPostgres.start({ shared_preload_libraries: 'pg_stat_statements', autovacuum: 'off' });
});
after(() => postgres.stop());

test('the next deliveries are read through the primary key, whatever an old snapshot makes of the statistics', async (t) => {
  const url = await postgres.createDatabase();
  const options = { url, vault: createVault(new Uint8Array(32)), clock: systemClock, isOwner: false };
  const store = await openPostgresStore(options);
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  t.after(async () => {
    await holder.end();
    await store.close();
  });
  const run = <Row extends object>(text: string) => postgres.query<Row>(text, url);
  await run('CREATE EXTENSION pg_stat_statements');
  await run(`INSERT INTO broxi.events (workspace_id, id, type, occurred_at, accepted_at, revision, data)
    VALUES ('ws_1', 'evt_1', 'workflow.completed', 1, 1, 1, '{}')`);
  await run(`INSERT INTO broxi.queue (workspace_id, webhook_id, class, due_at, id, event_id, origin, created_at)
    SELECT 'ws_1', 'wh_1', 0, i, 'del_' || i, 'evt_1', 'event', 1 FROM generate_series(1, ${ROWS}) i`);
  await run('VACUUM ANALYZE broxi.queue');
  await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await holder.query('SELECT 1 FROM broxi.shards');
  await run(`DELETE FROM broxi.queue WHERE due_at <= ${ROWS - LEFT}`);
  // The second one passes by the pages on which nothing is dead, and takes the table for as empty as the others.
  await run('VACUUM ANALYZE broxi.queue');
  await run('VACUUM broxi.queue');
  const [table] = await run<{ rows: number }>(
    "SELECT reltuples::int AS rows FROM pg_class WHERE oid = 'broxi.queue'::regclass",
  );
  assert.ok((table?.rows ?? LEFT) < LEFT / 4, `the database takes ${LEFT} rows for ${table?.rows}`);
  await run('SELECT pg_stat_statements_reset()');
  const place = { dueAt: ROWS - LEFT, seq: ROWS - LEFT };
  const due = await store.readDue({ lane, class: 0, after: place, dueBy: Number.MAX_SAFE_INTEGER, limit: LIMIT });
  assert.deepEqual(
    due.map(({ dueAt }) => dueAt),
    Array.from({ length: LIMIT }, (_, n) => ROWS - LEFT + 1 + n),
  );
  const [read] = await run<{ pages: number }>(
    `SELECT sum(shared_blks_hit + shared_blks_read)::int AS pages FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '%FROM broxi.queue%'`,
  );
  const pages = read?.pages ?? 0;
  assert.ok(pages > 0 && pages < 6 * LIMIT, `${pages} pages for ${LIMIT} deliveries`);
});
