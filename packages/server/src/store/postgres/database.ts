import { createHash } from 'node:crypto';
import pg from 'pg';
import { isConnectionError, isUnstorableText, translate } from './errors.ts';

/** What a statement takes; arrays as `array-parameter.ts` makes them. */
export type Value = string | number | boolean | null | Buffer;

/** Runs a statement of this transaction. `Row` names the columns of that very statement. */
export type Query = <Row extends object>(text: string, values?: readonly Value[]) => Promise<Row[]>;

const APPLICATION = 'broxi-webhooks';
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;
/** Longer than any statement may take in the database: the network is gone. */
const ANSWER_TIMEOUT_MS = 45_000;
const INT8_OID = 20;

/** Of an idle connection it is asked so often whether the other end is still there: some seconds later it has ended. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

const READING = { statement: 30_000, lock: 5_000, idle: 10_000 };
const BEGIN_READING = begin(READING, 'READ COMMITTED READ ONLY');
const BEGIN_SNAPSHOT = begin(READING, 'REPEATABLE READ READ ONLY');

/**
 * Begins a transaction whose statements see what is committed when each of them begins, whatever the role's default is. None
 * is compiled: over many days of history that takes seconds, to save milliseconds.
 * @param limits how long its statements may take, in milliseconds: nothing waits, or holds up others, for ever
 */
export function begin(
  { statement, lock, idle }: { statement: number; lock: number; idle: number },
  level = 'READ COMMITTED',
): string {
  const timeouts = { statement_timeout: statement, lock_timeout: lock, idle_in_transaction_session_timeout: idle };
  const settings = Object.entries({ ...timeouts, jit: 'off' }).map(
    ([name, value]) => `set_config('${name}', '${value}', true)`,
  );
  return `BEGIN ISOLATION LEVEL ${level}; SELECT ${settings.join(', ')}`;
}

/** What the connection that writes for a node is called: by it another one can end what that left locked. */
export function writerName(nodeId: string): string {
  return `${APPLICATION} ${nodeId}`;
}

/** The first row, or null. */
export function firstOf<Row>(rows: readonly Row[]): Row | null {
  return rows[0] ?? null;
}

/** A statement that the database is to keep, with its plan, for the next time on the same connection. */
export interface Prepared {
  /** Its own: behind a pooler, another process may have prepared another one on the same connection. */
  name: string;
  text: string;
}

export function prepared(text: string): Prepared {
  return { name: `broxi_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`, text };
}

/** @param client a connection, or what stands for it */
export function queryOn(client: { query(text: string, values: unknown[]): Promise<pg.QueryResult> }): Query {
  return async <Row extends object>(text: string, values: readonly Value[] = []): Promise<Row[]> =>
    (await client.query(text, [...values])).rows;
}

/**
 * Connections of one purpose. Nothing is set for a session, and nobody relies on a statement that is prepared by name, so that
 * a pooler which gives each transaction another connection (PgBouncer) may stand between. What a transaction sends without waiting for the
 * answer before goes out at once.
 */
export function openPool(
  url: string,
  connections: number,
  { name = APPLICATION, answerTimeoutMs = ANSWER_TIMEOUT_MS }: { name?: string; answerTimeoutMs?: number } = {},
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    pipeline: true,
    application_name: name,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: answerTimeoutMs,
    ...KEEP_ALIVE,
    types: { getTypeParser: parserOf },
  });
  // A connection that ends tells whoever uses it; an idle one is replaced when it is needed.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Runs work in a transaction on a connection of its own. @param begin the statements that begin it */
export async function transactOn<Result>(
  pool: pg.Pool,
  begin: string,
  work: (query: Query) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect().catch((error: unknown) => {
    throw translate(error);
  });
  try {
    await client.query(begin);
    const result = await work(queryOn(client));
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw translate(error);
  }
}

/** Counters and instants are bigint there, and safe integers here. */
function parserOf(oid: number, format?: 'text' | 'binary') {
  return oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format);
}

/** What only reads, each in a short transaction of its own. */
export class Reads {
  readonly #pool: pg.Pool;
  readonly #begin: string;

  /**
   * @param options.inOrderOfKeys what is read is the front of an index, in its order: to read it all and sort it is not worth a
   *   thought. The database does think of it when it takes a table for nearly empty, as it may after a vacuum that could remove
   *   nothing because some session holds an old snapshot.
   */
  constructor(pool: pg.Pool, { inOrderOfKeys = false }: { inOrderOfKeys?: boolean } = {}) {
    this.#pool = pool;
    this.#begin = inOrderOfKeys ? `${BEGIN_READING}, set_config('enable_sort', 'off', true)` : BEGIN_READING;
  }

  /** One statement, in one round trip. Text that holds a NUL finds nothing. */
  readonly query: Query = async <Row extends object>(text: string, values: readonly Value[] = []): Promise<Row[]> =>
    await this.#patiently(async (client) => {
      const [, answer] = await Promise.allSettled([
        client.query(this.#begin),
        client.query(text, [...values]),
        client.query('COMMIT'),
      ]);
      if (answer.status === 'fulfilled') return answer.value.rows;
      if (isUnstorableText(answer.reason)) return [];
      throw answer.reason;
    });

  /** Several statements that see one state of the database. */
  async snapshot<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
    return await this.#patiently(async (client) => {
      await client.query(BEGIN_SNAPSHOT);
      const result = await work(queryOn(client));
      await client.query('COMMIT');
      return result;
    });
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  /** A connection may have ended unnoticed since it was last used: what only reads is asked once more. */
  async #patiently<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    try {
      return await this.#borrow(work);
    } catch (error) {
      if (!isConnectionError(error)) throw translate(error);
      return await this.#borrow(work).catch((again: unknown) => {
        throw translate(again);
      });
    }
  }

  async #borrow<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      // Whatever it is in the middle of, nobody else is to meet it.
      client.release(true);
      throw error;
    }
  }
}
