import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { StoreUnavailableError } from '../../errors.ts';
import { nothingCounted } from '../counters.ts';
import type { ReadStore, Store, StoreCounters } from '../store.ts';
import type { Vault } from '../vault.ts';
import { WakeList } from '../wake-list.ts';
import { AuditRows } from './audit-rows.ts';
import { BatchRows } from './batch-rows.ts';
import { Checkpointer } from './checkpointer.ts';
import { CommitGroup } from './commit-group.ts';
import { openForReading, openForWriting } from './database.ts';
import { deliveryQueue } from './delivery-queue.ts';
import { DeliveryRows } from './delivery-rows.ts';
import { DestinationRows } from './destination-rows.ts';
import { directoryReads, directoryWrites } from './directory.ts';
import { eventLogReads, eventLogWrites } from './event-log.ts';
import { createEventRows } from './event-rows.ts';
import { historyReads } from './history.ts';
import { HoldRows } from './hold-rows.ts';
import { jobLogReads, jobLogWrites } from './job-log.ts';
import { JobRows } from './job-rows.ts';
import { assertNotMoved } from './moved-mark.ts';
import { NewsRows } from './news-rows.ts';
import { createOutageRecovery } from './outage-recovery.ts';
import { ReadTokenRows } from './read-token-rows.ts';
import { createRecover } from './recover.ts';
import { retention } from './retention.ts';
import { RowNumbers } from './row-numbers.ts';
import { lockDataFolder } from './single-process-lock.ts';
import { openWalSync } from './wal-sync.ts';
import { receiverSince } from './webhook-rows.ts';

export interface SqliteStoreOptions {
  /** The database file; its folder is made if it is missing. */
  path: string;
  vault: Vault;
  clock: Clock;
  /** Under load a commit waits so long for company, unless it has enough. Default 4. */
  lingerMs?: number;
}

/** So many jobs wait for no others: what a commit costs is shared well enough, and callers are answered sooner. */
const ENOUGH_JOBS = 40;

/**
 * Opens the store for the process that owns it.
 * @throws InvalidSettingError if another process does, the file is not ours, or what is in it was moved to another database
 */
export function openSqliteStore({ path, vault, clock, lingerMs = 4 }: SqliteStoreOptions): Store {
  // Locked before it is opened: opening brings the schema up to date, which must not happen under a running server.
  const unlock = lockDataFolder(path);
  let database: DatabaseSync | null = null;
  try {
    database = openForWriting(path);
    assertNotMoved(database);
  } catch (error) {
    database?.close();
    unlock();
    throw error;
  }
  const wakes = new WakeList();
  const numbers = new RowNumbers(database);
  const rows = new DeliveryRows(database, { clock, numbers });
  const walSync = openWalSync(path);
  const counters: StoreCounters = {
    ...nothingCounted(),
    commits: 0,
    pending: rows.countWaiting(),
  };
  // Also over a restart with the clock set back.
  let latestDue = rows.latestCreatedAt();
  const dueNow = () => {
    latestDue = Math.max(latestDue, clock.now());
    return latestDue;
  };
  const eventRows = createEventRows({ database, wakes, rows, numbers, counters, dueNow });
  const news = new NewsRows(database, { clock, events: eventRows });
  let committed = { ...counters };
  let onDisk = { counters: committed, lastSeq: rows.lastSeq() };
  const group = new CommitGroup({
    database,
    clock,
    lingerMs,
    enoughJobs: ENOUGH_JOBS,
    sync: () => walSync.sync(),
    afterCommit: () => {
      committed = { ...counters };
      const now = { counters: committed, lastSeq: rows.lastSeq() };
      const tell = wakes.commit();
      return () => {
        onDisk = now;
        tell();
      };
    },
    afterRollback: () => {
      Object.assign(counters, committed);
      wakes.forget();
      numbers.forget();
      news.forget();
    },
    onBroken: endProcess,
  });
  const audit = new AuditRows(database);
  const jobs = new JobRows(database, clock);
  const shared = {
    database,
    clock,
    vault,
    group,
    wakes,
    rows,
    batches: new BatchRows({ database, wakes, rows, eventRows, numbers, counters, dueNow }),
    eventRows,
    news,
    audit,
    destinations: new DestinationRows(database, { clock, audit, receiverSince: receiverSince(database, vault) }),
    holds: new HoldRows(database),
    readTokens: new ReadTokenRows(database, vault),
    numbers,
    counters,
    dueNow,
    lastSeqOnDisk: () => onDisk.lastSeq,
    recover: createRecover({ clock, wakes, rows, counters, dueNow }),
    jobs,
    recoverOutage: createOutageRecovery({ database, jobs }),
  };
  return {
    ...directoryReads(database, vault),
    ...directoryWrites(shared),
    ...eventLogReads(database, vault),
    ...eventLogWrites(shared),
    ...deliveryQueue(shared),
    // Nobody else opens the file.
    owns: () => true,
    onOwnership() {},
    ...historyReads(database),
    ...jobLogReads(database, vault),
    ...jobLogWrites(shared),
    ...retention(database, group),
    async counters() {
      return { ...onDisk.counters, commits: group.commits };
    },
    async close() {
      await group.close();
      walSync.close();
      database.close();
      unlock();
    },
  };
}

/** A second connection, for lists and single reads beside the writer. */
export function openSqliteReader({ path, vault }: Pick<SqliteStoreOptions, 'path' | 'vault'>): ReadStore {
  const database = openForReading(path);
  return {
    ...directoryReads(database, vault),
    ...eventLogReads(database, vault),
    ...historyReads(database),
    ...jobLogReads(database, vault),
    async close() {
      database.close();
    },
  };
}

/** {@link openSqliteReader}, and a third that moves the write-ahead log into the database while it is open. */
export function openCheckpointingReader(
  options: Omit<SqliteStoreOptions, 'lingerMs'> & { onError: (error: unknown) => void },
): ReadStore {
  const reader = openSqliteReader(options);
  const checkpointer = new Checkpointer(options);
  checkpointer.start();
  return {
    ...reader,
    async close() {
      checkpointer.stop();
      await reader.close();
    },
  };
}

/** Nobody can go on without the store; a restart finds what is really on disk. */
function endProcess(error: StoreUnavailableError): void {
  setImmediate(() => {
    throw error;
  });
}
