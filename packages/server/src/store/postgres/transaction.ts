import type { StoreCounters, Wake } from '../store.ts';
import { WakeList } from '../wake-list.ts';
import type { Query } from './database.ts';

/** What a process counts; what waits is asked of the database. */
export type Counts = Omit<StoreCounters, 'commits' | 'pending'>;

export function nothingCounted(): Counts {
  return {
    eventsAccepted: 0,
    deliveriesCreated: 0,
    deliveriesPutBack: 0,
    settledDelivered: 0,
    settledFailed: 0,
    settledRetried: 0,
    settledCancelled: 0,
    deliveriesBatched: 0,
  };
}

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
