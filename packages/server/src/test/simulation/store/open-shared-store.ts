import type { Clock } from '../../../clock.ts';
import type { Lane } from '../../../domain/webhook.ts';
import { nothingCounted } from '../../../store/counters.ts';
import { Cluster, type ClusterOptions } from '../../../store/postgres/cluster.ts';
import { type Batch, CommitGroup } from '../../../store/postgres/commit-group.ts';
import { InTheWayError } from '../../../store/postgres/errors.ts';
import { shardOf } from '../../../store/postgres/shards.ts';
import { Transaction } from '../../../store/postgres/transaction.ts';
import type { Wake } from '../../../store/store.ts';
import { WakeList } from '../../../store/wake-list.ts';
import { ANSWER_TIMEOUT_MS, type Connection } from './connection.ts';
import { type Disk, unavailable } from './disk.ts';
import type { Prepared } from './journal.ts';
import { memorySharedTables, type ShardWatch, writeWakes } from './memory-shared-tables.ts';
import { type SimulatedStore, storeOf } from './open-memory-store.ts';

export interface SharedStoreOptions extends Pick<ClusterOptions, 'nodeId' | 'openBell' | 'onTime' | 'onError'> {
  disk: Disk;
  /** Follows the clock of the database. */
  clock: Clock;
  leaseClock: Clock;
  connection: Connection;
  watch: ShardWatch;
  lingerMs: number;
  /** A transaction is written, and its end not asked for. */
  onWritten: () => void;
  /** A transaction is at the database for good, and nobody was told yet. */
  onCommitted: () => void;
}

/** A database that waits so long for the end of a transaction undoes it. */
const IDLE_TIMEOUT_MS = 15_000;
const DOUBT_PAUSE_MS = 250;
const LONGEST_DOUBT_MS = 60_000;

/**
 * A store of one node among several on one simulated disk. Whose a lane is, news between nodes, groups of writes and their
 * fence are the PostgreSQL driver's; a transaction is written at one instant and seen by others at a later one, has its way to
 * the database and back, and is repeated if another one was in the way.
 */
export function openSharedStore(options: SharedStoreOptions): SimulatedStore & { start(): Promise<void> } {
  const { disk, clock, leaseClock, connection, nodeId, watch, lingerMs } = options;
  const { openBell, onTime, onError, onWritten, onCommitted } = options;
  const wakes = new WakeList();
  const counters = { ...nothingCounted(), commits: 0, pending: 0 };
  let listener: (wakes: readonly Wake[]) => void = () => {};
  const cluster = new Cluster({
    ...{ nodeId, isOwner: true, clock: leaseClock, openBell, onTime, onError },
    tables: memorySharedTables(disk, connection, watch),
    onWake: (told) => listener(told),
  });
  const written = new WeakMap<Transaction, { news: readonly Wake[]; prepared: Prepared }>();
  const ask = <Result>(work: () => Result | Promise<Result>) => connection.ask(work, ANSWER_TIMEOUT_MS.ofStore);

  /** The statements of some calls, at one instant. */
  const write: Batch<() => unknown, unknown> = async (tx, jobs) => {
    disk.journal.begin({ notesReads: true });
    try {
      return jobs.map((job) => job());
    } finally {
      const news = wakes.take();
      written.set(tx, { news, prepared: disk.journal.prepare() });
    }
  };

  /** Nobody knows what became of a transaction: that is asked for until there is an answer. */
  const whatBecameOf = async (transaction: SharedTransaction, cause: unknown): Promise<void> => {
    for (const until = clock.monotonic() + LONGEST_DOUBT_MS; clock.monotonic() < until; ) {
      const state = await ask(() => transaction.state).catch(() => 'open');
      if (state === 'committed') return;
      if (state === 'undone') throw cause;
      await new Promise<void>((resolve) => clock.after(DOUBT_PAUSE_MS, resolve));
    }
    throw cause;
  };

  const group = new CommitGroup({
    clock,
    lingerMs,
    enoughJobs: 64,
    async transact(work) {
      const tx = new Transaction(refuse);
      await ask(() => work(tx));
      const { news, prepared } = written.get(tx) ?? none();
      const { forOthers, committed } = cluster.announce(news);
      tx.committed = committed;
      const transaction = new SharedTransaction(disk, prepared, forOthers);
      connection.later(IDLE_TIMEOUT_MS, () => transaction.undo());
      onWritten();
      // A process may sleep between any two statements.
      await new Promise<void>((resolve) => clock.after(0, resolve));
      try {
        await ask(() => {
          transaction.commit();
          onCommitted();
        });
      } catch (error) {
        if (transaction.isRefused) throw error;
        await whatBecameOf(transaction, error);
      }
      return tx;
    },
    afterCommit: (tx) => tx.committed(),
  });
  const isOurs = (lane: Lane) => disk.shards[shardOf(lane)] === nodeId;
  const jobs = { run: <Result>(job: () => Result) => group.run(write, job) as Promise<Result> };
  const lastSeqOnDisk = () => Number.POSITIVE_INFINITY;
  const store = storeOf({ disk, clock, group: jobs, wakes, counters, lastSeqOnDisk, isOurs });
  return {
    ...store,
    start: () => cluster.start(),
    onWake: (told) => {
      listener = told;
    },
    sweep: async () => (await store.sweep()).filter((lane) => cluster.owns(lane)),
    owns: (lane) => cluster.owns(lane),
    onOwnership: (told) => cluster.onOwnership(told),
    counters: async () => ({ ...counters, commits: group.commits }),
    async close() {
      await group.close();
      await cluster.stop();
    },
  };
}

/** At the database. */
class SharedTransaction {
  readonly #disk: Disk;
  readonly #prepared: Prepared;
  readonly #forOthers: readonly Wake[];
  state: 'open' | 'committed' | 'undone' = 'open';
  /** The database said that it is undone. */
  isRefused = false;

  constructor(disk: Disk, prepared: Prepared, forOthers: readonly Wake[]) {
    this.#disk = disk;
    this.#prepared = prepared;
    this.#forOthers = forOthers;
  }

  commit(): void {
    if (this.state !== 'open') {
      this.isRefused = this.state === 'undone';
      throw unavailable('tired of waiting');
    }
    const { fault } = this.#disk;
    const isCommitted = fault === null && this.#prepared.commit(() => writeWakes(this.#disk, this.#forOthers));
    this.state = isCommitted ? 'committed' : 'undone';
    this.isRefused = !isCommitted;
    if (fault !== null) throw unavailable(fault);
    if (!isCommitted) throw new InTheWayError('a row was changed meanwhile');
  }

  undo(): void {
    if (this.state === 'open') this.state = 'undone';
  }
}

async function refuse(): Promise<never> {
  throw new Error('the simulated database understands no SQL');
}

function none(): never {
  throw new Error('a transaction without work');
}
