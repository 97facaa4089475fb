import type { PruneResult } from '../store.ts';
import { firstOf, type Query } from './database.ts';
import { type DayBounds, lookThrough, PASSES, START } from './day-passes.ts';
import { digitsOf, HISTORY, type HistoryTable, partitionOf } from './days.ts';
import { InTheWayError, isStateOfAnother } from './errors.ts';
import type { Key } from './needed.ts';

export interface DayDropperOptions {
  /** Runs work in a transaction, on a connection of which no commit has need. */
  transact: <Result>(work: (query: Query) => Promise<Result>) => Promise<Result>;
  /** Runs a statement outside of any transaction. Rejects with `InTheWayError` if it takes long; it may go on then. */
  alone: (text: string) => Promise<void>;
}

/**
 * Removes whole days of history, the oldest first.
 *
 * ```
 *   open ──▶ closed ──every transaction from before is over──▶ quiet ──all of it looked through──▶ detached ──▶ dropped
 * ```
 *
 * From the moment at which a day is closed, nothing is added to it and nothing is owed anew of it. What has to stay is taken
 * aside, bit by bit: where a day holds all there is of an event, and nothing of that is needed, it goes with the day; else
 * all of it goes aside, where retention goes on row by row. Whatever is in the middle of this can end there: what is left of a
 * closed day is met again.
 */
export class DayDropper {
  readonly #options: DayDropperOptions;
  #progress: Progress | null = null;

  constructor(options: DayDropperOptions) {
    this.#options = options;
  }

  /** Takes a step. @returns what went; null: nothing can be done for now */
  async step({ before, limit }: { before: number; limit: number }): Promise<Gone | null> {
    const { transact } = this.#options;
    const day = await transact(async (query) => firstOf(await query<Day>(OLDEST, [digitsOf(before)])));
    if (day === null) return null;
    if (!day.is_marked) {
      // In two transactions: whatever takes its first look after the second one begins knows of the first.
      await transact((query) => query(CLOSE, [digitsOf(before)]));
      await transact((query) => query(MARK));
      return NOTHING;
    }
    if (!day.is_quiet) return null;
    const { first } = day;
    const progress = this.#progress?.first === first ? this.#progress : { first, pass: 0, after: START, gone: NOTHING };
    const pass = PASSES[progress.pass];
    if (pass === undefined) return await this.#drop(progress);
    const page = { ...day, after: progress.after, before, limit: limit * PAGES_PER_STEP };
    const { next, left } = await transact((query) => lookThrough(query, pass, page));
    // Only now it is sure that what was taken aside is there.
    this.#progress = {
      first,
      ...(next === null ? { pass: progress.pass + 1, after: START } : { pass: progress.pass, after: next }),
      gone:
        pass.counts === null ? progress.gone : { ...progress.gone, [pass.counts]: progress.gone[pass.counts] + left },
    };
    return NOTHING;
  }

  async #drop({ first, gone }: Progress): Promise<Gone | null> {
    const { transact } = this.#options;
    try {
      for (const table of DROPPED_IN_ORDER) await this.#dropPartition(table, first);
    } catch (error) {
      // Somebody reads for long, or another server does the same. Nobody waits for it.
      if (error instanceof InTheWayError || isStateOfAnother(error)) return null;
      throw error;
    }
    await transact((query) => query('DELETE FROM broxi.days WHERE first = $1', [first]));
    this.#progress = null;
    return gone;
  }

  async #dropPartition(table: HistoryTable, first: string): Promise<void> {
    const { transact, alone } = this.#options;
    const partition = partitionOf(table, first);
    const detach = `ALTER TABLE broxi.${table.table}_by_day DETACH PARTITION ${partition}`;
    const state = await transact(async (query) => firstOf(await query<PartitionState>(STATE, [partition])));
    if (state === null) return;
    if (state.pending === false) await alone(`${detach} CONCURRENTLY`);
    // It was left in the middle, here or by another server.
    if (state.pending === true) await transact((query) => query(`${detach} FINALIZE`));
    await transact((query) => query(`DROP TABLE IF EXISTS ${partition}`));
  }
}

type Gone = Pick<PruneResult, 'events' | 'deliveries'>;

interface Day extends DayBounds {
  is_marked: boolean;
  /** Every transaction is over that may not have known that it is closed. */
  is_quiet: boolean;
}

interface PartitionState {
  /** Whether it is being detached; null: it is no partition any more. */
  pending: boolean | null;
}

interface Progress {
  first: string;
  pass: number;
  /** The place of the last row that was looked at. */
  after: Key;
  gone: Gone;
}

/** Most of what is looked at stays where it is: a step takes in more of it than one that removes rows. */
const PAGES_PER_STEP = 5;
const NOTHING: Gone = { events: 0, deliveries: 0 };

const OLDEST = `
  SELECT first, until, quiet_from IS NOT NULL AS is_marked,
    coalesce(quiet_from <= pg_snapshot_xmin(pg_current_snapshot()), false) AS is_quiet
  FROM broxi.days WHERE until <= $1 ORDER BY first LIMIT 1`;
const CLOSE = 'UPDATE broxi.days SET is_closed = true WHERE until <= $1 AND NOT is_closed';
const MARK = `
  UPDATE broxi.days SET quiet_from = pg_snapshot_xmax(pg_current_snapshot()) WHERE is_closed AND quiet_from IS NULL`;

/** Parameter: a partition. No row: it is not there. */
const STATE = `
  SELECT i.inhdetachpending AS pending
  FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.oid = to_regclass($1)`;

/** Deliveries first: so none is shown whose event, or attempts, are gone. */
const DROPPED_IN_ORDER = [HISTORY[1], HISTORY[0], HISTORY[2]];
