import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { StoreUnavailableError } from '../../errors.ts';

/**
 * Group commit: what arrives together is written in one transaction and shares one sync to disk. Each caller's promise
 * settles after the sync that holds its work.
 *
 * ```
 *   idle ──run()──▶ waiting ──▶ transaction ──▶ syncing ──▶ callers are told ──▶ idle, or waiting again
 * ```
 *
 * The sync runs beside the thread, which goes on sending meanwhile; what comes in is gathered for the next group. At rest a
 * single write commits at once; under load a transaction begins at the earliest `lingerMs` after the one before.
 * If one job of a group throws, the group is rolled back and each job is run again in a transaction of its own, so that
 * only the broken one fails. If the database itself cannot write (disk full), all of them reject with
 * `StoreUnavailableError`, and nothing of them is kept. A sync that fails is the end: nobody knows what the disk holds, so
 * nothing is written any more and `onBroken` is told.
 */
export class CommitGroup {
  readonly #options: CommitGroupOptions;
  #jobs: Job[] = [];
  #cancelTimer: (() => void) | null = null;
  #lastBegunAt = Number.NEGATIVE_INFINITY;
  #syncing: Promise<void> | null = null;
  #broken: StoreUnavailableError | null = null;
  #commits = 0;

  constructor(options: CommitGroupOptions) {
    this.#options = options;
  }

  /** Transactions on disk so far. */
  get commits(): number {
    return this.#commits;
  }

  /** Runs `work` inside the next transaction. It may run twice, and only the last run counts. */
  run<Result>(work: () => Result): Promise<Result> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    return new Promise<Result>((resolve, reject) => {
      let result: Result;
      this.#jobs.push({
        work: () => {
          result = work();
        },
        done: () => resolve(result),
        failed: reject,
      });
      if (this.#syncing === null) this.#plan();
    });
  }

  /** Commits what waits, now, and resolves when all that was committed is on disk. */
  async flush(): Promise<void> {
    while (this.#syncing !== null || this.#jobs.length > 0) {
      if (this.#syncing === null) this.#commit();
      await this.#syncing;
    }
  }

  /** Resolves in a moment when all that is committed is on disk. */
  async atRest(): Promise<void> {
    while (this.#syncing !== null) await this.#syncing;
  }

  #plan(): void {
    if (this.#jobs.length === 0) return;
    const { clock, lingerMs, maxJobs } = this.#options;
    const delayMs = this.#jobs.length >= maxJobs ? 0 : this.#lastBegunAt + lingerMs - clock.monotonic();
    if (this.#cancelTimer !== null && delayMs > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = clock.after(Math.max(0, delayMs), () => this.#commit());
  }

  #commit(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#lastBegunAt = this.#options.clock.monotonic();
    const jobs = this.#jobs;
    this.#jobs = [];
    const written = this.#write(jobs);
    if (written.length === 0) {
      this.#plan();
      return;
    }
    this.#syncing = this.#options.sync().then(
      () => {
        this.#options.afterCommit();
        for (const job of written) job.done();
        this.#syncing = null;
        this.#plan();
      },
      (cause: unknown) => this.#breakDown(written, cause),
    );
  }

  /** @returns the jobs whose work is committed, and not on disk yet; the others were told that they failed */
  #write(jobs: readonly Job[]): readonly Job[] {
    const error = this.#transact(jobs);
    if (error === null) return jobs;
    if (jobs.length > 1 && !(error instanceof StoreUnavailableError)) return jobs.flatMap((job) => this.#write([job]));
    for (const job of jobs) job.failed(error);
    return [];
  }

  /** @returns null if the transaction is committed */
  #transact(jobs: readonly Job[]): unknown {
    const { database, afterWrite, afterRollback } = this.#options;
    try {
      database.exec('BEGIN IMMEDIATE');
      for (const job of jobs) job.work();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      afterRollback();
      return translate(error);
    }
    this.#commits += 1;
    afterWrite();
    return null;
  }

  #breakDown(jobs: readonly Job[], cause: unknown): void {
    this.#broken = new StoreUnavailableError(
      'Nothing can be recorded: the disk could not keep what was written.',
      cause,
    );
    this.#syncing = null;
    for (const job of [...jobs, ...this.#jobs]) job.failed(this.#broken);
    this.#jobs = [];
    this.#options.onBroken(this.#broken);
  }
}

export interface CommitGroupOptions {
  database: DatabaseSync;
  clock: Clock;
  lingerMs: number;
  /** This many jobs do not wait for `lingerMs`. */
  maxJobs: number;
  /** Resolves when everything that is committed is on disk; rejects if that cannot be. */
  sync: () => Promise<void>;
  /** Called after each transaction, before it is on disk. */
  afterWrite: () => void;
  /** Called when a transaction was undone: forget what its jobs noted in memory. */
  afterRollback: () => void;
  /** Called when what was written is on disk, before its callers learn of it. */
  afterCommit: () => void;
  /** Called once if a sync fails. What is on disk is only known after a restart. */
  onBroken: (error: StoreUnavailableError) => void;
}

interface Job {
  work: () => void;
  done: () => void;
  failed: (error: unknown) => void;
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
