import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Surroundings } from './compare.ts';
import { type DurablePostgres, startDurablePostgres } from './durable-postgres.ts';
import type { Machine } from './machine.ts';
import { startNginx } from './nginx.ts';
import type { ProcessGroup } from './processes.ts';
import { SAMPLE_TYPE } from './sample-event.ts';
import type { Settings } from './settings.ts';
import { createWebhook, newApiKey, startServer } from './start-system.ts';
import { readCounters, type System, waitUntilAtRest, waitUntilDrained } from './system.ts';
import { Wrk } from './wrk.ts';

/** To how many webhooks each event goes, case by case: two of them part what an event costs from what a delivery costs. */
const FAN_OUTS = [1, 4] as const;
const IDLE_SECONDS = 5;
/** Processes of PostgreSQL say what they counted once a second. */
const STATISTICS_DELAY_MS = 1_500;
const PRODUCER = fileURLToPath(new URL('./paced-producer.ts', import.meta.url));
/** Statements whose share is shown by themselves. */
const MOST_STATEMENTS = 8;

/** What PostgreSQL counted while events were recorded and delivered. */
export interface PostgresCost {
  /** Deliveries of each event. */
  fanOut: number;
  /** `load`: as fast as it goes; `steady`: some a second. */
  kind: 'load' | 'steady';
  events: number;
  perSecond: number;
  /** Those of transactions count: their beginnings and ends. */
  statementsPerEvent: number;
  commitsPerEvent: number;
  walBytesPerEvent: number;
  /** Whole pages in it, of at most 8,192 bytes each: the first change of a page after a checkpoint. */
  fullPagesPerEvent: number;
  /** Times that the log was synced. */
  syncsPerEvent: number;
  /** Those that are run most, by what they are run for. */
  statements: { text: string; callsPerThousand: number; rowsPerCall: number; walBytesPerEvent: number }[];
  /** Bytes for each event, of what grew. */
  growth: { name: string; rowBytesPerEvent: number; indexBytesPerEvent: number }[];
}

export interface PostgresCostResult {
  kind: 'postgres-cost';
  version: string;
  costs: PostgresCost[];
  /** Statements a second with nothing to do. */
  idleStatementsPerSecond: number;
  /** Connections that one server has open after the load. */
  connections: number;
  settings: Settings;
  machine: Machine;
}

/** Counts what the database does for an event: figures that hold on any machine, and depend on how much comes together. */
export async function measurePostgresCost(surroundings: Surroundings, settings: Settings): Promise<PostgresCostResult> {
  const { group, tools, directory, machine, say } = surroundings;
  const receiver = await startNginx(group, tools.nginx, join(directory, 'receiver'));
  const wrk = new Wrk(group, tools.wrk, directory);
  const postgres = await startDurablePostgres(group, {
    parent: settings.directory,
    settings: { shared_preload_libraries: 'pg_stat_statements' },
  });
  const costs: PostgresCost[] = [];
  let idleStatementsPerSecond = 0;
  let connections = 0;
  for (const fanOut of FAN_OUTS) {
    const databaseUrl = await postgres.createDatabase();
    await postgres.query('CREATE EXTENSION pg_stat_statements', databaseUrl);
    const options = { entry: settings.serverEntry, directory: join(directory, `fan-out-${fanOut}`), databaseUrl };
    const server = await startServer(group, { ...options, apiKey: newApiKey() });
    for (let n = 0; n < fanOut; n += 1) {
      await createWebhook(server, `${receiver.origin}/hook/${n}`, { max_concurrency: settings.connections });
    }
    const counted = { postgres, databaseUrl, server, fanOut };
    const load = { urls: [`${server.origin}/v1/events`], apiKey: server.apiKey, connections: settings.connections };
    await wrk.run({ ...load, seconds: settings.warmUpSeconds });
    const full = await count(counted, 'load', () => wrk.run({ ...load, seconds: settings.seconds }));
    costs.push(full);
    say(`${fanOut} deliveries an event: ${Math.round(full.walBytesPerEvent)} bytes of WAL an event under full load`);
    if (fanOut !== 1) continue;
    costs.push(await count(counted, 'steady', () => publishSteadily(group, server, settings)));
    await postgres.query('SELECT pg_stat_statements_reset()', databaseUrl);
    await sleep(IDLE_SECONDS * 1000);
    idleStatementsPerSecond = (await statementsOf(counted)).reduce((sum, { calls }) => sum + calls, 0) / IDLE_SECONDS;
    connections = await connectionsOf(counted);
    await server.process.stop();
  }
  const [row] = await postgres.query<{ server_version: string }>('SHOW server_version');
  await group.stopAll();
  const version = row?.server_version ?? 'unknown';
  return { kind: 'postgres-cost', version, costs, idleStatementsPerSecond, connections, settings, machine };
}

interface Counted {
  postgres: DurablePostgres;
  databaseUrl: string;
  server: System;
  fanOut: number;
}

/** Between two moments at which nothing is pending. */
async function count(counted: Counted, kind: PostgresCost['kind'], act: () => Promise<unknown>): Promise<PostgresCost> {
  const { postgres, databaseUrl, server, fanOut } = counted;
  const start = await waitUntilDrained(server);
  await waitUntilAtRest(server);
  const sizesBefore = await sizesOf(counted);
  // What a page's first change costs is spread over the time between two checkpoints: it begins here.
  await postgres.query('CHECKPOINT', databaseUrl);
  await postgres.query("SELECT pg_stat_reset_shared('wal'), pg_stat_statements_reset()", databaseUrl);
  const logBefore = await logLength(counted);
  const startedAt = performance.now();
  await act();
  const seconds = (performance.now() - startedAt) / 1000;
  await waitUntilDrained(server);
  await sleep(STATISTICS_DELAY_MS);
  const logBytes = (await logLength(counted)) - logBefore;
  const [wal] = await postgres.query<Wal>(
    'SELECT wal_fpi::float8 AS pages, wal_sync::float8 AS syncs FROM pg_stat_wal',
    databaseUrl,
  );
  if (wal === undefined) throw new Error('PostgreSQL counts its log.');
  const statements = await statementsOf(counted);
  const sizes = await sizesOf(counted);
  const end = await readCounters(server);
  const events = end.accepted - start.accepted;
  return {
    fanOut,
    kind,
    events,
    perSecond: events / seconds,
    statementsPerEvent: statements.reduce((sum, { calls }) => sum + calls, 0) / events,
    commitsPerEvent: ((end.commits ?? 0) - (start.commits ?? 0)) / events,
    walBytesPerEvent: logBytes / events,
    fullPagesPerEvent: wal.pages / events,
    syncsPerEvent: wal.syncs / events,
    statements: statements.slice(0, MOST_STATEMENTS).map(({ text, calls, rows, bytes }) => ({
      text,
      callsPerThousand: (calls / events) * 1000,
      rowsPerCall: rows / calls,
      walBytesPerEvent: bytes / events,
    })),
    growth: sizes.flatMap(({ name, rows, indexes }) => {
      const before = sizesBefore.find((one) => one.name === name) ?? { rows: 0, indexes: 0 };
      const [rowBytesPerEvent, indexBytesPerEvent] = [
        (rows - before.rows) / events,
        (indexes - before.indexes) / events,
      ];
      return rowBytesPerEvent + indexBytesPerEvent < 1 ? [] : [{ name, rowBytesPerEvent, indexBytesPerEvent }];
    }),
  };
}

/** As many a second as the latency run has, one by one. */
async function publishSteadily(
  group: ProcessGroup,
  { origin, apiKey }: System,
  { latencyRate, latencySeconds }: Settings,
): Promise<void> {
  const numbers = [latencyRate, 1, latencySeconds].map(String);
  const args = [PRODUCER, origin, apiKey, SAMPLE_TYPE, ...numbers];
  await group.run({ name: 'the paced producer', file: process.execPath, args }, (latencySeconds + 60) * 1000);
}

/** What processes have told by then of what they did: of the last second, some only tell ten seconds later. */
interface Wal {
  pages: number;
  syncs: number;
}

/** Bytes that were written to the log since there was one. */
async function logLength({ postgres, databaseUrl }: Counted): Promise<number> {
  const [row] = await postgres.query<{ bytes: number }>(
    "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes",
    databaseUrl,
  );
  if (row === undefined) throw new Error('PostgreSQL has a log.');
  return row.bytes;
}

interface Statement {
  text: string;
  calls: number;
  rows: number;
  bytes: number;
}

/** Those of the server, most log first; what this benchmark asks is left out. */
async function statementsOf({ postgres, databaseUrl }: Counted): Promise<Statement[]> {
  const rows = await postgres.query<Statement>(
    `SELECT query AS text, calls::float8 AS calls, rows::float8 AS rows, wal_bytes::float8 AS bytes FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND query !~ '(pg_stat_|pg_class|pg_wal_|CHECKPOINT|count\\(\\*\\) AS count FROM broxi.queue)'
      ORDER BY wal_bytes DESC, calls DESC`,
    databaseUrl,
  );
  return rows.map((row) => ({ ...row, text: headOf(row.text) }));
}

/** Pure: enough of a statement to know it by. */
export function headOf(text: string): string {
  const table = /(?:INSERT INTO|DELETE FROM|UPDATE|FROM|TABLE) (broxi\.\w+)/.exec(text)?.[1];
  const words = text.replace(/\s+/g, ' ').trim();
  const verb = /^(WITH (?:RECURSIVE )?\w+|\w+(?: INTO)?)/.exec(words)?.[1] ?? words;
  return table === undefined ? words.slice(0, 48) : `${verb} … ${table}`;
}

/** Tables with their TOAST, and their indexes; the parts of one that is partitioned count together. */
async function sizesOf({ postgres, databaseUrl }: Counted): Promise<Size[]> {
  return await postgres.query<Size>(
    `SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text AS name,
        sum(pg_table_size(c.oid))::float8 AS rows, sum(pg_indexes_size(c.oid))::float8 AS indexes
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'broxi' AND c.relkind = 'r' GROUP BY 1 ORDER BY 2 DESC`,
    databaseUrl,
  );
}

/** In bytes. */
interface Size {
  name: string;
  rows: number;
  indexes: number;
}

async function connectionsOf({ postgres }: Counted): Promise<number> {
  const [row] = await postgres.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name LIKE 'broxi%'",
  );
  return row?.count ?? 0;
}
