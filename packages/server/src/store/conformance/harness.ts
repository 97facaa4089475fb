import type { Clock } from '../../clock.ts';
import type { JobLog, ReadStore, Store } from '../store.ts';

/** What a driver's tests hand to `testStore`. */
export interface StoreHarness {
  /** Opens a new, empty store, which takes the time from `clock`. */
  open(clock: Clock): Promise<OpenedStore>;
  /** A store for a simulation, in which nobody asks for jobs: it makes none, and has none. Default false. */
  withoutJobs?: boolean;
}

/** The methods of a store that its harness lets be asked. */
export function asked<Methods extends object>(
  harness: StoreHarness,
  methods: Methods,
): [string, Methods[keyof Methods]][] {
  const entries = Object.entries(methods) as [string, Methods[keyof Methods]][];
  return harness.withoutJobs ? entries.filter(([name]) => !JOB_METHODS.has(name)) : entries;
}

const JOB_METHODS: ReadonlySet<string> = new Set<keyof JobLog>([
  ...(['createJob', 'cancelJob', 'advanceJob', 'unfinishedJobs', 'getJob', 'listJobs', 'estimateJob'] as const),
]);

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
