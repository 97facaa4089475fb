import { type Counts, nothingCounted } from '../counters.ts';
import type { Wake } from '../store.ts';
import { WakeList } from '../wake-list.ts';
import type { Query } from './database.ts';

/** A transaction that is open, and what it notes in memory: forgotten with it if it is undone. */
export class Transaction {
  readonly query: Query;
  readonly counts: Counts = nothingCounted();
  readonly wakes = new WakeList();
  /** News that is written for other nodes with what it tells of. */
  toldOthers: ReadonlySet<Wake> = new Set();
  /** Revisions of workspaces that it has read. */
  readonly revisions = new Map<string, number>();

  constructor(query: Query) {
    this.query = query;
  }
}
