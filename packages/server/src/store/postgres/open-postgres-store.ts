import { type Clock, systemClock } from '../../clock.ts';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import { nothingCounted } from '../counters.ts';
import type { ReadStore, Store, Wake } from '../store.ts';
import type { Vault } from '../vault.ts';
import { assertNoCopyUnderWay } from './assert-no-copy.ts';
import { createBatchRows } from './batch-rows.ts';
import { Bell } from './bell.ts';
import { Cluster } from './cluster.ts';
import { CommitGroup } from './commit-group.ts';
import { firstOf, openPool, Reads, writerName } from './database.ts';
import { deliveryQueue } from './delivery-queue.ts';
import { directoryReads, directoryWrites } from './directory.ts';
import { DayDropper } from './drop-days.ts';
import { eventLogReads, eventLogWrites } from './event-log.ts';
import { historyReads } from './history.ts';
import { jobLogReads, jobLogWrites } from './job-log.ts';
import { DaysAhead } from './make-days.ts';
import { migrateDatabase } from './migrate.ts';
import { News } from './news.ts';
import { createRecover } from './recover.ts';
import { retention } from './retention.ts';
import { createSettle } from './settle.ts';
import { openSharedTables } from './shared-tables.ts';
import { Upkeep } from './upkeep.ts';
import { addWakes } from './wake-rows.ts';
import { WriteConnection } from './write-connection.ts';

export interface PostgresStoreOptions {
  /** `postgres://…` */
  url: string;
  vault: Vault;
  clock: Clock;
  /** Whether this process sends. Default true. */
  isOwner?: boolean;
  /** What the time as an owner is measured with. Default: the machine's own. */
  leaseClock?: Clock;
  /** Told what the database's clock says. @param reading.askedAt on the monotonic clock of `leaseClock` */
  onTime?: (reading: { databaseNow: number; askedAt: number }) => void;
  /** Told of what should not happen, and is tried again. */
  onError?: (error: unknown) => void;
  /** Under load a commit waits so long for company, unless it has enough. Default 5. */
  lingerMs?: number;
}

/** So many jobs wait for no others: what a commit costs is shared well enough, and callers are answered sooner. */
const ENOUGH_JOBS = 200;
/** Longer than its statements may take: the network is gone. */
const WRITE_ANSWER_MS = 20_000;
/** Of the engine, which reads a few lanes at a time, and of people. */
const READ_CONNECTIONS = 4;

/**
 * Opens the store, having brought its schema up to date.
 * @throws InvalidSettingError if a newer version of the server wrote the database, or a copy into it is not finished;
 *   StoreUnavailableError if it is away
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, vault, clock, isOwner = true, leaseClock = systemClock, lingerMs = 5 } = options;
  const { onTime = () => {}, onError = () => {} } = options;
  await migrateDatabase(url);
  await assertNoCopyUnderWay(url);
  const reads = new Reads(openPool(url, READ_CONNECTIONS), { inOrderOfKeys: true });
  const upkeep = new Upkeep(url);
  const daysAhead = new DaysAhead({ clock: leaseClock, transact: upkeep.transact, onError });
  let latestDue = 0;
  const dueNow = () => {
    latestDue = Math.max(latestDue, clock.now());
    return latestDue;
  };
  const counts = nothingCounted();
  let listener: (wakes: readonly Wake[]) => void = () => {};
  const onWake = (wakes: readonly Wake[]) => listener(wakes);
  const nodeId = newId('node');
  const tables = openSharedTables(url);
  const cluster = new Cluster({
    ...{ nodeId, isOwner, clock: leaseClock, tables, onWake, onTime, onError },
    openBell: (onRing) => new Bell({ url, nodeId, clock: leaseClock, query: tables.query, onRing }),
  });
  // One at a time: so what this process takes in becomes visible in the order of its `seq`.
  const writing = { name: writerName(nodeId), answerTimeoutMs: WRITE_ANSWER_MS };
  const connection = new WriteConnection(openPool(url, 1, writing), clock);
  const group = new CommitGroup({
    transact: (work, onCommitting) =>
      connection.transact(async (tx) => {
        await work(tx);
        const { forOthers, committed } = cluster.announce(tx.wakes.all);
        if (forOthers.length > 0) await addWakes(tx.query, forOthers);
        tx.committed = committed;
      }, onCommitting),
    clock,
    lingerMs,
    enoughJobs: ENOUGH_JOBS,
    afterCommit: (tx) => {
      for (const [name, count] of Object.entries(tx.counts)) counts[name as keyof typeof counts] += count;
      tx.committed();
    },
  });
  const news = new News({ clock, dueNow });
  const recover = createRecover({ clock, dueNow });
  const batches = createBatchRows({ clock, dueNow });
  const settle = createSettle({ clock, vault, news, batches, nodeId });
  const owns = (lane: Lane) => cluster.owns(lane);
  const close = async () => {
    await group.close();
    await cluster.stop();
    await daysAhead.stop();
    await Promise.all([connection.close(), reads.close(), upkeep.close()]);
  };
  try {
    await daysAhead.start();
    // Also over a restart with the clock set back.
    latestDue = await latestAcceptedAt(reads);
    await cluster.start();
  } catch (error) {
    await close();
    throw error;
  }
  const shared = { clock, owns, vault, reads, group, news, batches, recover, settle, dueNow };
  return {
    ...directoryReads(reads, vault),
    ...directoryWrites(shared),
    ...eventLogReads(reads, vault),
    ...eventLogWrites(shared),
    ...deliveryQueue(shared),
    onWake: (told) => {
      listener = told;
    },
    owns,
    onOwnership: (told) => cluster.onOwnership(told),
    ...historyReads(reads),
    ...jobLogReads(reads, vault),
    ...jobLogWrites(shared),
    ...retention({ group, days: new DayDropper(upkeep) }),
    async counters() {
      const rows = await reads.query<{ count: number }>('SELECT count(*) AS count FROM broxi.queue');
      return { ...counts, pending: firstOf(rows)?.count ?? 0, commits: group.commits };
    },
    close,
  };
}

/** For lists and single reads, on connections of their own. The database is one that a store was opened on before. */
export function openPostgresReader({ url, vault }: Pick<PostgresStoreOptions, 'url' | 'vault'>): ReadStore {
  const reads = new Reads(openPool(url, READ_CONNECTIONS));
  return {
    ...directoryReads(reads, vault),
    ...eventLogReads(reads, vault),
    ...historyReads(reads),
    ...jobLogReads(reads, vault),
    close: () => reads.close(),
  };
}

async function latestAcceptedAt(reads: Reads): Promise<number> {
  const rows = await reads.query<{ accepted_at: number }>(
    'SELECT accepted_at FROM broxi.events ORDER BY seq DESC LIMIT 1',
  );
  return firstOf(rows)?.accepted_at ?? 0;
}
