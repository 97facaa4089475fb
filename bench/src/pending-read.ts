import pg from 'pg';
import { systemClock } from '../../packages/server/src/clock.ts';
import { openPostgresStore } from '../../packages/server/src/store/postgres/open-postgres-store.ts';
import type { DeliveryQueue, Position, Store } from '../../packages/server/src/store/store.ts';
import { createVault } from '../../packages/server/src/store/vault.ts';
import type { Surroundings } from './compare.ts';
import { type DurablePostgres, startDurablePostgres } from './durable-postgres.ts';
import type { Machine } from './machine.ts';
import { inTurn } from './rounds.ts';
import type { Settings } from './settings.ts';
import { type Distribution, distributionOf, median } from './statistics.ts';

/** Deliveries of one read. */
const LIMIT = 256;
/** What is read in one pass. Every lane that is measured has as many, and the small one has no more. */
const SMALL = 10_000;
const READS_FROM_THE_START = 5;
/** So many come due in one millisecond. */
const PER_MS = 10;
/** So many that nobody reads through all of them to find those of one page. */
const EVENTS = 100_000;
/** It is filled, and then only read. */
const SETTINGS = { fsync: 'off', shared_preload_libraries: 'pg_stat_statements' };
const LANE = { workspaceId: 'ws_bench', webhookId: 'wh_measured' };

export interface PendingReadCase {
  name: string;
  pending: number;
  lanes: number;
  /** Rows of the lane that were deleted, and that another session's snapshot keeps. */
  dead: number;
  /** Milliseconds to read the next deliveries from where the read before it came to. */
  next: Distribution;
  /** Pages of tables and indexes that such a read looks at: whatever else the machine does. */
  pages: number;
  /** Milliseconds to read from the start of the lane: when it is taken over, and when its news may have been lost. */
  fromTheStart: Distribution;
  /** Milliseconds to go from lane to lane once, as every server does once a minute. */
  sweep: Distribution;
}

export interface PendingReadResult {
  kind: 'pending-read';
  /** Medians of `next` by that of the smallest case. */
  ratios: { name: string; ratio: number }[];
  cases: PendingReadCase[];
  settings: Settings;
  machine: Machine;
}

interface Plan {
  name: string;
  /** Pending in the lane that is read, in others, and in how many of these. */
  own: number;
  others: number;
  otherLanes: number;
  /** Deleted from the front of the lane while another session holds a snapshot that is older. */
  drained: number;
}

/** How long a lane's next deliveries take to read on PostgreSQL, by what else is pending, and by what is dead. */
export async function measurePendingReads(
  { group, machine, say }: Surroundings,
  settings: Settings,
): Promise<PendingReadResult> {
  const postgres = await startDurablePostgres(group, { parent: settings.directory, settings: SETTINGS });
  const { pendingReads: pending, pendingLanes: lanes } = settings;
  const alone = { others: 0, otherLanes: 0, drained: 0 };
  const plans: Plan[] = [
    { ...alone, name: 'few', own: SMALL },
    { ...alone, name: 'many', own: pending },
    { name: 'many in other lanes', own: SMALL, others: pending - SMALL, otherLanes: lanes, drained: 0 },
    { ...alone, name: 'many gone, old snapshot', own: pending, drained: pending - 2 * SMALL },
  ];
  const prepared: Prepared[] = [];
  try {
    for (const plan of plans) {
      prepared.push(await prepare(postgres, plan));
      say(`${plan.name}: filled`);
    }
    // In turns, so that what changes on the machine meets all of them alike.
    for (let n = 0; n < settings.rounds; n += 1) {
      for (const { store, first, times } of inTurn(prepared, n)) {
        times.next.push(...(await readPass(store, first)));
        for (let read = 0; read < READS_FROM_THE_START; read += 1) {
          times.fromTheStart.push((await timedRead(store, null)).ms);
        }
        const from = performance.now();
        await store.sweep();
        times.sweep.push(performance.now() - from);
      }
    }
    for (const each of prepared) each.times.pages.push(await pagesOfARead(postgres, each));
  } finally {
    for (const { close } of prepared) await close();
    await group.stopAll();
  }
  const cases = prepared.map(({ plan, times }) => ({
    name: plan.name,
    pending: plan.own + plan.others - plan.drained,
    lanes: 1 + plan.otherLanes,
    dead: plan.drained,
    next: distributionOf(times.next),
    pages: median(times.pages),
    fromTheStart: distributionOf(times.fromTheStart),
    sweep: distributionOf(times.sweep),
  }));
  const [few] = cases;
  if (few === undefined) throw new Error('The smallest case is always measured.');
  const ratios = cases.slice(1).map(({ name, next }) => ({ name, ratio: next.p50 / few.next.p50 }));
  return { kind: 'pending-read', ratios, cases, settings, machine };
}

/** A database as a plan wants it, and what its reads took so far. */
interface Prepared {
  plan: Plan;
  store: Store;
  /** Where a pass begins. */
  first: Position | null;
  url: string;
  times: { next: number[]; pages: number[]; fromTheStart: number[]; sweep: number[] };
  close(): Promise<void>;
}

async function prepare(postgres: DurablePostgres, plan: Plan): Promise<Prepared> {
  const url = await postgres.createDatabase();
  const store = await openPostgresStore({
    ...{ url, clock: systemClock, isOwner: false },
    vault: createVault(new Uint8Array(32)),
  });
  const holder = new pg.Client({ connectionString: url });
  const close = async () => {
    await holder.end();
    await store.close();
  };
  await postgres.query('CREATE EXTENSION pg_stat_statements', url);
  await fill(postgres, url, plan);
  await holder.connect();
  const first = await drain(postgres, { url, holder, drained: plan.drained });
  // What only the first read finds out, such as which rows were committed, counts for none.
  await readPass(store, first);
  return { plan, store, first, url, times: { next: [], pages: [], fromTheStart: [], sweep: [] }, close };
}

async function fill(postgres: DurablePostgres, url: string, { own, others, otherLanes }: Plan): Promise<void> {
  await postgres.query(
    `INSERT INTO broxi.events (workspace_id, id, type, occurred_at, accepted_at, revision, data)
      SELECT '${LANE.workspaceId}', 'evt_' || i, 'workflow.completed', 1, 1, 1, repeat('x', 700)
      FROM generate_series(0, ${EVENTS - 1}) i`,
    url,
  );
  const add = (count: number, webhook: string) =>
    postgres.query(
      `INSERT INTO broxi.queue (workspace_id, webhook_id, class, due_at, id, event_id, origin, created_at)
        SELECT '${LANE.workspaceId}', ${webhook}, 0, i / ${PER_MS}, 'del_' || md5(${webhook} || i), 'evt_' || i % ${EVENTS}, 'event', 1
        FROM generate_series(0, ${count - 1}) i`,
      url,
    );
  if (others > 0) await add(others, `'wh_' || i % ${otherLanes}`);
  await add(own, `'${LANE.webhookId}'`);
  await postgres.query('VACUUM ANALYZE broxi.queue', url);
  await postgres.query('VACUUM ANALYZE broxi.events', url);
}

/** Deletes what is first in the lane, where the holder's snapshot keeps it. @returns where the reads go on */
async function drain(
  postgres: DurablePostgres,
  { url, holder, drained }: { url: string; holder: pg.Client; drained: number },
): Promise<Position | null> {
  if (drained === 0) return null;
  await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await holder.query('SELECT 1 FROM broxi.shards');
  const until = Math.floor(drained / PER_MS);
  await postgres.query(`DELETE FROM broxi.queue WHERE webhook_id = '${LANE.webhookId}' AND due_at < ${until}`, url);
  return { dueAt: until - 1, seq: Number.MAX_SAFE_INTEGER };
}

/** Reads what a small lane has, from there on. @returns how long each read took */
async function readPass(store: DeliveryQueue, first: Position | null): Promise<number[]> {
  const times: number[] = [];
  let after = first;
  for (let n = 0; n < Math.floor(SMALL / LIMIT); n += 1) {
    const { ms, last } = await timedRead(store, after);
    times.push(ms);
    after = last;
  }
  return times;
}

/** Of one pass, on average. */
async function pagesOfARead(postgres: DurablePostgres, { url, store, first }: Prepared): Promise<number> {
  await postgres.query('SELECT pg_stat_statements_reset()', url);
  const { length } = await readPass(store, first);
  const [row] = await postgres.query<{ pages: number }>(
    `SELECT sum(shared_blks_hit + shared_blks_read)::float8 AS pages FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query ~ 'webhook_id = |broxi.events'`,
    url,
  );
  return (row?.pages ?? 0) / length;
}

async function timedRead(store: DeliveryQueue, after: Position | null): Promise<{ ms: number; last: Position }> {
  const from = performance.now();
  const due = await store.readDue({ lane: LANE, class: 0, after, dueBy: Number.MAX_SAFE_INTEGER, limit: LIMIT });
  const ms = performance.now() - from;
  const last = due.at(-1);
  if (last === undefined || due.length !== LIMIT) throw new Error(`${due.length} deliveries were read, not ${LIMIT}.`);
  return { ms, last: { dueAt: last.dueAt, seq: last.seq } };
}
