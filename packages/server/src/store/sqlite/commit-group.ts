import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { StoreUnavailableError } from '../../errors.ts';

/**
 * Group commit: what arrives together is written in one transaction and shares one sync to disk. Each caller's promise
 * settles after the commit that holds its work.
 *
 * ```
 *   idle ──run()──▶ waiting ──lingerMs since the last commit, or maxJobs──▶ committing ──▶ idle
 * ```
 *
 * At rest a single write commits at once; under load a commit is made at most every `lingerMs`, and takes all that came.
 * If one job of a group throws, the group is rolled back and each job is run again in a transaction of its own, so that
 * only the broken one fails. If the database itself cannot write (disk full), all of them reject with
 * `StoreUnavailableError`, and nothing of them is kept.
 */
export class CommitGroup {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #maxJobs: number;
  readonly #afterCommit: () => void;
  readonly #afterRollback: () => void;
  #jobs: Job[] = [];
  #cancelTimer: (() => void) | null = null;
  #lastCommitAt = Number.NEGATIVE_INFINITY;
  #commits = 0;

  constructor(options: CommitGroupOptions) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#lingerMs = options.lingerMs;
    this.#maxJobs = options.maxJobs;
    this.#afterCommit = options.afterCommit;
    this.#afterRollback = options.afterRollback;
  }

  /** Transactions committed so far. */
  get commits(): number {
    return this.#commits;
  }

  /** Runs `work` inside the next transaction. It may run twice, and only the last run counts. */
  run<Result>(work: () => Result): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      let result: Result;
      this.#jobs.push({
        work: () => {
          result = work();
        },
        done: () => resolve(result),
        failed: reject,
      });
      if (this.#jobs.length >= this.#maxJobs) this.#arm(0);
      else if (this.#jobs.length === 1) this.#arm(this.#lastCommitAt + this.#lingerMs - this.#clock.monotonic());
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const jobs = this.#jobs;
    if (jobs.length === 0) return;
    this.#jobs = [];
    this.#commitAll(jobs);
    this.#lastCommitAt = this.#clock.monotonic();
  }

  #arm(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(Math.max(0, delayMs), () => this.flush());
  }

  #commitAll(jobs: readonly Job[]): void {
    const error = this.#transact(jobs);
    if (error === null) {
      for (const job of jobs) job.done();
    } else if (jobs.length === 1 || error instanceof StoreUnavailableError) {
      for (const job of jobs) job.failed(error);
    } else {
      for (const job of jobs) this.#commitAll([job]);
    }
  }

  /** @returns null if the transaction is on disk */
  #transact(jobs: readonly Job[]): unknown {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const job of jobs) job.work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#afterRollback();
      return translate(error);
    }
    this.#commits += 1;
    this.#afterCommit();
    return null;
  }
}

export interface CommitGroupOptions {
  database: DatabaseSync;
  clock: Clock;
  lingerMs: number;
  maxJobs: number;
  /** Called after each commit, before its callers learn of it. */
  afterCommit: () => void;
  /** Called when a transaction was undone: forget what its jobs noted in memory. */
  afterRollback: () => void;
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
