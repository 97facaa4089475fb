import { type Counts, nothingCounted } from '../counters.ts';
import { WakeList } from '../wake-list.ts';
import type { Query } from './database.ts';

/** A transaction that is open, and what it notes in memory: forgotten with it if it is undone. */
export class Transaction {
  readonly query: Query;
  readonly counts: Counts = nothingCounted();
  readonly wakes = new WakeList();
  /** Tells of its news, once it is committed. */
  committed: () => void = () => {};
  /** Revisions of workspaces that it has read. */
  readonly revisions = new Map<string, number>();

  constructor(query: Query) {
    this.query = query;
  }
}
