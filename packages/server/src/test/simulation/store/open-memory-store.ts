import type { Clock } from '../../../clock.ts';
import { nothingCounted } from '../../../store/counters.ts';
import { CommitGroup } from '../../../store/sqlite/commit-group.ts';
import type { JobLog, ReadStore, Retention, Store, StoreCounters } from '../../../store/store.ts';
import { WakeList } from '../../../store/wake-list.ts';
import { type Disk, keyOf, unavailable } from './disk.ts';
import { DeliveryTables } from './memory-deliveries.ts';
import { directoryReads, directoryWrites } from './memory-directory.ts';
import { eventLogReads, eventLogWrites } from './memory-event-log.ts';
import { historyReads } from './memory-history.ts';
import type { MemoryParts } from './memory-parts.ts';
import { memoryQueue } from './memory-queue.ts';

export interface MemoryStoreOptions {
  disk: Disk;
  clock: Clock;
  /** As long as a sync takes; rejects if the disk reports that it failed. */
  sync: () => Promise<void>;
  /** A sync failed: the process ends. */
  onBroken: () => void;
  /** Default 0. */
  lingerMs?: number;
}

/** What the engine needs of a store. Jobs and the retention run beside it, and are not simulated. */
export type SimulatedStore = Omit<Store, keyof JobLog | keyof Retention>;
export type SimulatedReader = Omit<ReadStore, keyof JobLog>;

/**
 * A store on a simulated disk. Transactions, syncs and news of lanes go through the SQLite driver's own commit group and wake
 * list; rows and statements are the simulation's, and pass the same conformance suite, but for what the
 * engine does not see: jobs, retention, and operational events.
 */
export function openMemoryStore({ disk, clock, sync, onBroken, lingerMs = 0 }: MemoryStoreOptions): SimulatedStore {
  const wakes = new WakeList();
  const counters: StoreCounters = { ...nothingCounted(), commits: 0, pending: disk.queue.all().length };
  let committed = { ...counters };
  let onDisk = { counters: committed, lastSeq: disk.last.seq };
  const group = new CommitGroup({
    database: transactionsOf(disk),
    clock,
    lingerMs,
    enoughJobs: 64,
    async sync() {
      const { committed: covered } = disk.journal;
      await sync();
      disk.journal.sync(covered);
    },
    afterCommit() {
      committed = { ...counters };
      const now = { counters: committed, lastSeq: disk.last.seq };
      const tell = wakes.commit();
      return () => {
        onDisk = now;
        tell();
      };
    },
    afterRollback() {
      Object.assign(counters, committed);
      wakes.forget();
    },
    onBroken,
  });
  return {
    ...storeOf({ disk, clock, group, wakes, counters, lastSeqOnDisk: () => onDisk.lastSeq, isOurs: () => true }),
    owns: () => true,
    onOwnership() {},
    counters: async () => ({ ...onDisk.counters, commits: group.commits }),
    close: () => group.close(),
  };
}

/** What reads and writes rows, whoever else does. */
export function storeOf(
  shared: Omit<MemoryParts, 'audit' | 'dueNow'>,
): Omit<SimulatedStore, 'owns' | 'onOwnership' | 'counters' | 'close'> {
  const { disk, clock } = shared;
  let latestDue = disk.last.createdAt;
  const parts: MemoryParts = {
    ...shared,
    audit: (entry) => disk.audit.insert(keyOf(entry.workspaceId, entry.id), entry),
    dueNow() {
      latestDue = Math.max(latestDue, clock.now());
      return latestDue;
    },
  };
  const rows = new DeliveryTables(parts);
  const { close: _, ...reads } = openMemoryReader(disk);
  return { ...reads, ...directoryWrites(parts), ...eventLogWrites(parts, rows), ...memoryQueue(parts, rows) };
}

/** Sees what is committed, as a second connection does. */
export function openMemoryReader(disk: Disk): SimulatedReader {
  return { ...directoryReads(disk), ...eventLogReads(disk), ...historyReads(disk), close: async () => {} };
}

/** As much of a database as a commit group needs. */
function transactionsOf(disk: Disk): ConstructorParameters<typeof CommitGroup>[0]['database'] {
  const { journal } = disk;
  return {
    get isTransaction() {
      return journal.isOpen;
    },
    exec(statement) {
      switch (statement) {
        case 'BEGIN IMMEDIATE':
          if (disk.fault === 'locked' || disk.fault === 'away') throw unavailable(disk.fault);
          return journal.begin();
        case 'COMMIT':
          if (disk.fault !== null) throw unavailable(disk.fault);
          return journal.commit();
        case 'ROLLBACK':
          return journal.rollback();
        default:
          throw new Error(`the simulated disk does not know ${statement}`);
      }
    },
  };
}
