import type { Clock } from '../../clock.ts';
import type { ReadStore, Store } from '../store.ts';

/** What a driver's tests hand to `testStore`. */
export interface StoreHarness {
  /** Opens a new, empty store, which takes the time from `clock`. */
  open(clock: Clock): Promise<OpenedStore>;
}

export interface OpenedStore {
  /** The connection that writes. A new one after {@link OpenedStore.reopen}. */
  readonly store: Store;
  /** A connection that only reads, beside the one that writes. A new one after {@link OpenedStore.reopen}. */
  readonly reader: ReadStore;
  /** Makes a workspace beside those that are there, which no method of a store does yet. */
  addWorkspace(workspaceId: string): Promise<void>;
  /** Ends both connections and opens what they left behind, as a restart does. */
  reopen(): Promise<void>;
  /** Ends both connections and removes what was stored. */
  close(): Promise<void>;
  /** Every byte that is stored anywhere. Absent: the harness cannot get at them. */
  dump?(): Promise<Buffer>;
  /**
   * Leaves no room to write more than some kilobytes, as a full disk does. Absent: the harness cannot.
   * @returns makes room again
   */
  fill?(): Promise<() => Promise<void>>;
}
