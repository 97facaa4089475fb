import type { Clock } from '../../../clock.ts';
import type { Lane } from '../../../domain/webhook.ts';
import type { CommitGroup } from '../../../store/sqlite/commit-group.ts';
import type { AuditEntry, StoreCounters } from '../../../store/store.ts';
import type { WakeList } from '../../../store/wake-list.ts';
import type { Disk } from './disk.ts';

/** What the parts of a store in memory share. Commit group and wake list are those of the SQLite driver. */
export interface MemoryParts {
  disk: Disk;
  clock: Clock;
  group: Pick<CommitGroup, 'run'>;
  wakes: WakeList;
  counters: StoreCounters;
  /** Writes an entry of the audit log, inside the caller's transaction. */
  audit: (entry: AuditEntry) => void;
  /** An instant that never goes back, for due times. */
  dueNow: () => number;
  /** Whether this process still has the lane of an outcome. */
  isOurs: (lane: Lane) => boolean;
  /** Deliveries after it may be committed, but not on disk yet. */
  lastSeqOnDisk: () => number;
}

export function inOrder<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Row[] {
  return rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
