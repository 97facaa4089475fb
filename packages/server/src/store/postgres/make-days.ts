import type { Clock } from '../../clock.ts';
import { firstOf, type Query } from './database.ts';
import { DAY_MS, digitsOf, HISTORY, partitionOf } from './days.ts';

/** Servers may be away for so long without anything going aside. */
const DAYS_AHEAD = 7;
/** Older history goes aside: a table for each of its days would cost more than it is worth. */
const MOST_DAYS_BACK = 400;
const LOOK_EVERY_MS = 3_600_000;
/** Any number, as long as nobody else takes it: whoever makes days does it alone. */
const DAYS_LOCK = 7_304_913;

/**
 * Makes the days up to a week ahead that are missing. After a longer absence the first of them begins where the last one
 * ended, so that there are no gaps. What is new is made beside the tables and then attached, which takes no lock that anybody
 * waits for who reads or writes. Runs inside the caller's transaction.
 * @param now the present instant, by the database's clock; default: what that says
 * @returns how many were made
 */
export async function makeDays(query: Query, now?: number): Promise<number> {
  const at = now ?? (await databaseNow(query));
  const today = at - (at % DAY_MS);
  const end = today + (DAYS_AHEAD + 1) * DAY_MS;
  if ((await lastDay(query)) >= digitsOf(end)) return 0;
  await query('SELECT pg_advisory_xact_lock($1)', [DAYS_LOCK]);
  // In a later statement than the lock: so it shows what another server has made.
  const last = await lastDay(query);
  let first = last === '' ? today : Number.parseInt(last, 16);
  let made = 0;
  for (; first < end; made += 1) {
    const until = Math.max(first, today) + DAY_MS;
    await makeDay(query, digitsOf(first), digitsOf(until));
    first = until;
  }
  return made;
}

/**
 * {@link makeDays} from an instant in the past on, for history that comes from elsewhere. What is there already is not made
 * again. A transaction for each week: there is not room for any number of locks.
 */
export async function makeDaysSince(
  instant: number,
  transact: (work: (query: Query) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  let now = instant;
  await transact(async (query) => {
    now = await databaseNow(query);
  });
  const first = Math.max(instant, now - MOST_DAYS_BACK * DAY_MS);
  for (let at = first; at < now; at += DAYS_AHEAD * DAY_MS) await transact((query) => makeDays(query, at));
  await transact((query) => makeDays(query, now));
}

/** @param first where the last one ends */
export async function makeDay(query: Query, first: string, until: string): Promise<void> {
  for (const each of HISTORY) {
    const partition = partitionOf(each, first);
    const parent = `broxi.${each.table}_by_day`;
    await query(`CREATE TABLE ${partition} (LIKE ${parent} INCLUDING ALL)`);
    const [from, to] = [first, until].map((bound) => `('${each.prefix}_${bound}')`);
    await query(`ALTER TABLE ${parent} ATTACH PARTITION ${partition} FOR VALUES FROM ${from} TO ${to}`);
  }
  await query('INSERT INTO broxi.days (first, until) VALUES ($1, $2)', [first, until]);
}

/** Where the last day ends; empty: there is none. */
async function lastDay(query: Query): Promise<string> {
  const rows = await query<{ until: string | null }>('SELECT max(until) AS until FROM broxi.days');
  return firstOf(rows)?.until ?? '';
}

async function databaseNow(query: Query): Promise<number> {
  const text = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now';
  const row = firstOf(await query<{ now: number }>(text));
  if (row === null) throw new Error('the database tells the time');
  return row.now;
}

/** Keeps days made ahead. What goes wrong is told, and tried again within the hour; there is a week for it. */
export class DaysAhead {
  readonly #options: DaysAheadOptions;
  #cancel: () => void = () => {};
  #making: Promise<void> = Promise.resolve();

  constructor(options: DaysAheadOptions) {
    this.#options = options;
  }

  /** Makes what is missing now, and looks again every hour. Never rejects. */
  async start(): Promise<void> {
    const { clock, transact, onError } = this.#options;
    this.#making = transact((query) => makeDays(query)).then(() => {}, onError);
    this.#cancel = clock.after(LOOK_EVERY_MS, () => void this.start());
    await this.#making;
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#making;
  }
}

export interface DaysAheadOptions {
  clock: Clock;
  transact: <Result>(work: (query: Query) => Promise<Result>) => Promise<Result>;
  onError: (error: unknown) => void;
}
