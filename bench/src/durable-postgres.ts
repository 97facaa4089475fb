import { ThrowawayPostgres } from '../../packages/server/src/test/postgres/throwaway-postgres.ts';
import { cpuSecondsOfFamily } from './process-usage.ts';
import type { ProcessGroup } from './processes.ts';

/** What is acknowledged is on disk, as in production; memory and log as for a small server of its own. */
const SETTINGS = {
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  min_wal_size: '2GB',
  // One that began long ago and one that began just now should not differ by whether a checkpoint falls into a round.
  checkpoint_timeout: '15min',
};

/** Of the log, 16 MiB each: more than a measurement writes. */
const SEGMENTS = 80;

/** A PostgreSQL that loses nothing. */
export interface DurablePostgres {
  /** A new, empty database. @returns its URL */
  createDatabase(): Promise<string>;
  query<Row extends object>(text: string, url?: string): Promise<Row[]>;
  /** Of all its processes so far. */
  cpuSeconds(): Promise<number>;
}

/** @param parent where its folder is made: its own user has to reach it. Default: the system's folder for temporary files */
export async function startDurablePostgres(
  group: ProcessGroup,
  { parent, settings = {} }: { parent?: string; settings?: Readonly<Record<string, string>> } = {},
): Promise<DurablePostgres> {
  const postgres = await ThrowawayPostgres.start({ ...SETTINGS, ...settings }, parent);
  const { pid } = postgres;
  let ended = false;
  await group.adopt({
    name: 'PostgreSQL',
    pid,
    hasEnded: () => ended,
    output: () => '',
    async stop() {
      ended = true;
      await postgres.stop();
    },
  });
  await writeLogOnce(postgres);
  return {
    createDatabase: () => postgres.createDatabase(),
    query: (text, url) => postgres.query(text, url),
    cpuSeconds: () => cpuSecondsOfFamily(pid),
  };
}

/**
 * One that has run for a while writes its log over. To begin with, each new part of it would be filled with zeros and synced,
 * while whoever commits waits.
 */
async function writeLogOnce(postgres: ThrowawayPostgres): Promise<void> {
  for (let n = 0; n < SEGMENTS; n += 1) {
    await postgres.query("SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()");
  }
  await postgres.query('CHECKPOINT');
}
