import type { StoreCounters } from './store.ts';

/** What a process counts; commits and what waits are known elsewhere. */
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
