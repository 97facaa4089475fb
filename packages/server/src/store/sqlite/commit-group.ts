import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailableError } from '../../errors.ts';
import { GroupTimer, type GroupTimerOptions } from '../group-timer.ts';

/**
 * Group commit: what arrives together is written in one transaction and shares one sync to disk. Each caller's promise
 * settles after a sync that began when its transaction was committed.
 *
 * ```
 *   idle ──run()──▶ waiting ──▶ transaction ──▶ syncing ──▶ callers are told
 *                      ▲                           │
 *                      └──── the next group, while at most one more sync is under way
 * ```
 *
 * Syncs run beside the thread, which goes on sending and writing meanwhile. At rest a single write commits at once; under
 * load a transaction begins `lingerMs` after the one before, or as soon as there are `enoughJobs`. If one job of a group throws, the group is
 * rolled back and each job is run again in a transaction of its own, so that only the broken one fails. If the database
 * itself cannot write (disk full), all of them reject with `StoreUnavailableError`, and nothing of them is kept. A sync that
 * fails is the end: nobody knows what the disk holds, so nothing is written any more, callers whose transaction was committed
 * hear nothing, and `onBroken` is told.
 */
export class CommitGroup {
  readonly #options: CommitGroupOptions;
  #jobs: Job[] = [];
  readonly #timer: GroupTimer;
  readonly #syncs = new Set<Promise<void>>();
  /** Why nothing is written any more; null while it is. */
  #refusal: StoreUnavailableError | null = null;
  #commits = 0;

  constructor(options: CommitGroupOptions) {
    this.#options = options;
    this.#timer = new GroupTimer({ ...options, begin: () => this.#commit() });
  }

  /** Transactions committed so far. */
  get commits(): number {
    return this.#commits;
  }

  /** Runs `work` inside the next transaction. It may run twice, and only the last run counts. */
  run<Result>(work: () => Result): Promise<Result> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    return new Promise<Result>((resolve, reject) => {
      let result: Result;
      this.#jobs.push({
        work: () => {
          result = work();
        },
        done: () => resolve(result),
        failed: reject,
      });
      this.#plan();
    });
  }

  /** Commits what waits, now, and resolves when all that was committed is on disk. */
  async flush(): Promise<void> {
    while (this.#jobs.length > 0 || this.#syncs.size > 0) {
      if (this.#jobs.length > 0) this.#commit();
      await Promise.all(this.#syncs);
    }
  }

  /** {@link flush}, and refuses what comes later, such as the outcome of an attempt that outlasted the stop. */
  async close(): Promise<void> {
    do await this.flush();
    while (this.#jobs.length > 0);
    this.#refusal ??= new StoreUnavailableError('Nothing can be recorded: the store is closed.', undefined);
  }

  #plan(): void {
    if (this.#jobs.length === 0 || this.#syncs.size >= MAX_SYNCS) return;
    this.#timer.plan(this.#jobs.length);
  }

  #commit(): void {
    this.#timer.begun();
    const jobs = this.#jobs;
    this.#jobs = [];
    const tell = this.#write(jobs);
    if (tell.length === 0) return;
    // In the order of the transactions, whichever sync ends first.
    const sync = Promise.all([this.#options.sync(), ...this.#syncs]).then(
      () => {
        this.#syncs.delete(sync);
        for (const told of tell) told.onDisk();
        this.#plan();
      },
      (cause: unknown) => {
        this.#syncs.delete(sync);
        this.#breakDown(cause);
      },
    );
    this.#syncs.add(sync);
  }

  /** @returns what is to be told about the transactions that were committed; jobs that failed were told so */
  #write(jobs: readonly Job[]): readonly Written[] {
    const written = this.#transact(jobs);
    if ('onDisk' in written) return [written];
    if (jobs.length > 1 && !(written.error instanceof StoreUnavailableError)) {
      return jobs.flatMap((job) => this.#write([job]));
    }
    for (const job of jobs) job.failed(written.error);
    return [];
  }

  #transact(jobs: readonly Job[]): Written | { error: unknown } {
    const { database, afterCommit, afterRollback } = this.#options;
    try {
      database.exec('BEGIN IMMEDIATE');
      for (const job of jobs) job.work();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      afterRollback();
      return { error: translate(error) };
    }
    this.#commits += 1;
    const onDisk = afterCommit();
    return {
      onDisk: () => {
        for (const job of jobs) job.done();
        onDisk();
      },
    };
  }

  #breakDown(cause: unknown): void {
    const refusal = new StoreUnavailableError(
      'Nothing can be recorded: the disk could not keep what was written.',
      cause,
    );
    this.#refusal = refusal;
    this.#timer.stop();
    // What was committed may be on disk or not: its callers get no answer, for to refuse it would be a promise.
    for (const job of this.#jobs) job.failed(refusal);
    this.#jobs = [];
    this.#options.onBroken(refusal);
  }
}

/** Under way at the same time: while one runs, the next group is written and its own begins. */
const MAX_SYNCS = 2;

export interface CommitGroupOptions extends Omit<GroupTimerOptions, 'begin'> {
  database: Pick<DatabaseSync, 'exec' | 'isTransaction'>;
  /** Resolves when everything that was committed before is on disk; rejects if that cannot be. */
  sync: () => Promise<void>;
  /** Called after each transaction. What it returns is called once that transaction is on disk, after its callers are told. */
  afterCommit: () => () => void;
  /** Called when a transaction was undone: forget what its jobs noted in memory. */
  afterRollback: () => void;
  /** Called when a sync fails. What is on disk is only known after a restart. */
  onBroken: (error: StoreUnavailableError) => void;
}

interface Job {
  work: () => void;
  done: () => void;
  failed: (error: unknown) => void;
}

/** A transaction that is committed, and not on disk yet. */
interface Written {
  onDisk: () => void;
}

/** SQLite's primary result codes that speak of the machine and not of the statement: https://sqlite.org/rescode.html */
const UNAVAILABLE_CODES: ReadonlyMap<number, string> = new Map([
  [5, 'the database is locked by another process'],
  [6, 'a table of the database is locked'],
  [7, 'out of memory'],
  [8, 'the database is read-only'],
  [10, 'the disk reports an error'],
  [13, 'the disk is full'],
  [14, 'the database file cannot be opened'],
]);

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const cause = UNAVAILABLE_CODES.get(error.errcode & 0xff);
  return cause === undefined ? error : new StoreUnavailableError(`Nothing can be recorded now: ${cause}.`, error);
}
