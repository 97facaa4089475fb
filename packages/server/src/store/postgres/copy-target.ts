import type pg from 'pg';
import { ConflictError, InvalidSettingError } from '../../errors.ts';
import { COPIED_TABLES, type CopiedRow } from '../copied-tables.ts';
import type { CopyProgress, CopyTarget, DeliveriesStep, RestTarget } from '../copy-store.ts';
import { bigintArray } from './array-parameter.ts';
import { begin, firstOf, openPool, type Query, queryOn } from './database.ts';
import { translate } from './errors.ts';
import { insertRows } from './insert-rows.ts';
import { makeDaysSince } from './make-days.ts';
import { migrateDatabase } from './migrate.ts';

/** Of an index that does not fit into memory, and of statistics. */
const ANSWER_TIMEOUT_MS = 600_000;

/** A page is lost with how far it came, or kept with it: there is nothing to wait for the disk for. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off';
const BEGIN_REST = begin({ statement: ANSWER_TIMEOUT_MS, lock: 30_000, idle: 120_000 });

const FIND_COPIES = `
  SELECT source, events_through, deliveries_through, keys_through, finished_at IS NOT NULL AS is_finished
  FROM broxi.copies FOR UPDATE`;

/** Every server has a row in the first, and makes one in the second at its start. */
const IS_IN_USE = 'SELECT EXISTS (SELECT FROM broxi.nodes) OR EXISTS (SELECT FROM broxi.workspaces) AS is_in_use';

const REPLACE_KEY = `
  ON CONFLICT (workspace_id, scope, key) DO UPDATE
  SET body_hash = excluded.body_hash, answer = excluded.answer, expires_at = excluded.expires_at`;

/** PostgreSQL's error for a row that is there already. */
const UNIQUE_VIOLATION = '23505';

/** A database that another one is copied into, on a connection of its own. */
export class PostgresCopyTarget implements CopyTarget {
  readonly #pool: pg.Pool;
  readonly #client: pg.PoolClient;
  readonly #query: Query;
  readonly #sourceId: string;
  #progress: CopyProgress = { eventsThrough: 0, deliveriesThrough: 0, keysThrough: 0 };
  #isFinished = false;

  private constructor(pool: pg.Pool, client: pg.PoolClient, sourceId: string) {
    this.#pool = pool;
    this.#client = client;
    this.#query = queryOn(client);
    this.#sourceId = sourceId;
  }

  /**
   * @param options.sourceId tells the source from others
   * @param options.since when the ids of nearly all of its events were made: there are days of their own from then on
   * @param options.isKnown whether a copy of this source must be there: it was moved here, or nearly was
   * @throws InvalidSettingError if the database is in use, or holds a copy of another source; StoreUnavailableError
   */
  static async open(options: {
    url: string;
    sourceId: string;
    since: number;
    isKnown: boolean;
  }): Promise<PostgresCopyTarget> {
    const { url, sourceId, since, isKnown } = options;
    await migrateDatabase(url);
    const pool = openPool(url, 1, { answerTimeoutMs: ANSWER_TIMEOUT_MS });
    let target: PostgresCopyTarget | null = null;
    try {
      const opened = new PostgresCopyTarget(pool, await pool.connect(), sourceId);
      target = opened;
      await opened.#begin(isKnown);
      if (!opened.isFinished) await makeDaysSince(since, (work) => opened.#transact(work));
      return opened;
    } catch (error) {
      await (target === null ? pool.end() : target.close());
      throw translate(error);
    }
  }

  get progress(): Readonly<CopyProgress> {
    return this.#progress;
  }

  /** Everything is here, and has been since an earlier copy. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  async addEvents(rows: readonly CopiedRow<'events'>[], through: number): Promise<void> {
    await this.#page({ eventsThrough: through }, (query) => [insertRows(query, 'events', rows)]);
  }

  async addFinal(
    { deliveries, attempts, left }: DeliveriesStep & { left: readonly number[] },
    through: number,
  ): Promise<void> {
    await this.#page({ deliveriesThrough: through }, (query) => [
      insertRows(query, 'deliveries', deliveries),
      insertRows(query, 'attempts', attempts),
      query('INSERT INTO broxi.copy_left (seq) SELECT unnest($1::bigint[])', [bigintArray(left)]),
    ]);
  }

  async addKeys(rows: readonly CopiedRow<'idempotency'>[], through: number): Promise<void> {
    await this.#page({ keysThrough: through }, (query) => [insertRows(query, 'idempotency', rows, REPLACE_KEY)]);
  }

  async addLeft({ deliveries, attempts, sorted }: DeliveriesStep & { sorted: readonly number[] }): Promise<void> {
    await this.#page({}, (query) => [
      insertRows(query, 'deliveries', deliveries),
      insertRows(query, 'attempts', attempts),
      query('DELETE FROM broxi.copy_left WHERE seq = ANY ($1::bigint[])', [bigintArray(sorted)]),
    ]);
  }

  async readLeft(after: number, limit: number): Promise<number[]> {
    return await readLeft(this.#query, after, limit);
  }

  async countLeft(): Promise<number> {
    const rows = await this.#query<{ count: number }>('SELECT count(*) AS count FROM broxi.copy_left');
    return firstOf(rows)?.count ?? 0;
  }

  async finish(write: (rest: RestTarget) => Promise<void>, settle: () => void): Promise<void> {
    const query = this.#query;
    try {
      await query(BEGIN_REST);
      await this.#lock();
      await this.#assertUnused();
      await write(restTarget(query));
      await query('DELETE FROM broxi.copy_left');
      await query('UPDATE broxi.copies SET finished_at = $1', [await databaseNow(query)]);
      settle();
      await query('COMMIT');
    } catch (error) {
      await query('ROLLBACK').catch(() => {});
      throw translate(error);
    }
    this.#isFinished = true;
  }

  /** What its clock says. */
  now(): Promise<number> {
    return databaseNow(this.#query);
  }

  /** Without statistics the first reads would go through whole tables. */
  async analyze(): Promise<void> {
    for (const table of Object.keys(COPIED_TABLES)) await this.#query(`ANALYZE broxi.${table}`);
  }

  async close(): Promise<void> {
    this.#client.release(true);
    await this.#pool.end();
  }

  async #begin(isKnown: boolean): Promise<void> {
    await this.#query(BEGIN_REST);
    const isHere = await this.#lock();
    if (!isHere && isKnown) {
      throw new InvalidSettingError('That database holds no copy of this one, which was moved to another one before.');
    }
    if (!this.#isFinished) await this.#assertUnused();
    if (!isHere) await this.#query('INSERT INTO broxi.copies (source) VALUES ($1)', [this.#sourceId]);
    await this.#query('COMMIT');
  }

  /** Finds out how far the copy is; nobody else goes on with it before this transaction ends. @returns whether there is one */
  async #lock(): Promise<boolean> {
    const copy = firstOf(await this.#query<CopyRow>(FIND_COPIES));
    if (copy === null) return false;
    if (copy.source !== this.#sourceId) {
      throw new InvalidSettingError('That database holds a copy of another one. Copy into an empty database.');
    }
    const { events_through: eventsThrough, deliveries_through: deliveriesThrough, keys_through: keysThrough } = copy;
    this.#progress = { eventsThrough, deliveriesThrough, keysThrough };
    this.#isFinished = copy.is_finished;
    return true;
  }

  async #assertUnused(): Promise<void> {
    if (firstOf(await this.#query<{ is_in_use: boolean }>(IS_IN_USE))?.is_in_use !== true) return;
    throw new InvalidSettingError(
      'A server was started on that database before: its data would mix with what is copied. Copy into an empty database; if nothing in this one is needed, DROP SCHEMA broxi CASCADE makes it empty.',
    );
  }

  async #transact(work: (query: Query) => Promise<unknown>): Promise<void> {
    await this.#query(BEGIN_REST);
    await work(this.#query);
    await this.#query('COMMIT');
  }

  /** One transaction, in one go. */
  async #page(progress: Partial<CopyProgress>, write: (query: Query) => Promise<unknown>[]): Promise<void> {
    const after = { ...this.#progress, ...progress };
    const outcomes = await Promise.allSettled([
      this.#query(BEGIN),
      ...write(this.#query),
      this.#query('UPDATE broxi.copies SET events_through = $1, deliveries_through = $2, keys_through = $3', [
        after.eventsThrough,
        after.deliveriesThrough,
        after.keysThrough,
      ]),
      this.#query('COMMIT'),
    ]);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failureOf(failed.reason);
    this.#progress = after;
  }
}

interface CopyRow {
  source: string;
  events_through: number;
  deliveries_through: number;
  keys_through: number;
  is_finished: boolean;
}

/** No row of a page can be there, unless somebody else has written the same page. */
function failureOf(reason: unknown): unknown {
  if (reason instanceof Error && 'code' in reason && reason.code === UNIQUE_VIOLATION) {
    return new ConflictError('conflict', 'Another copy into that database is under way.');
  }
  return translate(reason);
}

function restTarget(query: Query): RestTarget {
  return {
    async addDeliveries({ deliveries, attempts }) {
      await Promise.all([
        insertRows(
          query,
          'queue',
          deliveries.filter(({ state }) => state === 'pending'),
        ),
        insertRows(
          query,
          'deliveries',
          deliveries.filter(({ state }) => state !== 'pending'),
        ),
        insertRows(query, 'attempts', attempts),
      ]);
    },
    addKeys: (rows) => insertRows(query, 'idempotency', rows, REPLACE_KEY),
    addTable: (table, rows) => insertRows(query, table, rows),
    readLeft: (after, limit) => readLeft(query, after, limit),
    async countWaiting() {
      return firstOf(await query<{ count: number }>('SELECT count(*) AS count FROM broxi.queue'))?.count ?? 0;
    },
    async continueAfter({ events, deliveries }) {
      await query("SELECT setval('broxi.event_seq', $1::bigint + 1, false)", [events]);
      await query("SELECT setval('broxi.delivery_seq', $1::bigint + 1, false)", [deliveries]);
    },
  };
}

async function readLeft(query: Query, after: number, limit: number): Promise<number[]> {
  const text = 'SELECT seq FROM broxi.copy_left WHERE seq > $1 ORDER BY seq LIMIT $2';
  return (await query<{ seq: number }>(text, [after, limit])).map(({ seq }) => seq);
}

async function databaseNow(query: Query): Promise<number> {
  const text = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now';
  return firstOf(await query<{ now: number }>(text))?.now ?? 0;
}
