import pg from 'pg';
import { isConnectionError, isUnstorableText, translate } from './errors.ts';

/** What a statement takes; arrays as `array-parameter.ts` makes them. */
export type Value = string | number | boolean | null | Buffer;

/** Runs a statement of this transaction. `Row` names the columns of that very statement. */
export type Query = <Row extends object>(text: string, values?: readonly Value[]) => Promise<Row[]>;

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;
/** Longer than any statement may take in the database: the network is gone. */
const ANSWER_TIMEOUT_MS = 45_000;
const INT8_OID = 20;

const BEGIN_READING = `BEGIN READ ONLY; SELECT ${limits({ statement: 30_000, lock: 5_000, idle: 10_000 })}`;
const BEGIN_SNAPSHOT = BEGIN_READING.replace('BEGIN', 'BEGIN ISOLATION LEVEL REPEATABLE READ');

/**
 * Columns of a SELECT that say how long the statements of this transaction may take, in milliseconds: nothing waits, or holds
 * up others, for ever.
 */
export function limits({ statement, lock, idle }: { statement: number; lock: number; idle: number }): string {
  const timeouts = { statement_timeout: statement, lock_timeout: lock, idle_in_transaction_session_timeout: idle };
  return Object.entries(timeouts)
    .map(([name, milliseconds]) => `set_config('${name}', '${milliseconds}', true)`)
    .join(', ');
}

/** The first row, or null. */
export function firstOf<Row>(rows: readonly Row[]): Row | null {
  return rows[0] ?? null;
}

export function queryOn(client: pg.PoolClient): Query {
  return async <Row extends object>(text: string, values: readonly Value[] = []): Promise<Row[]> =>
    (await client.query(text, [...values])).rows;
}

/**
 * Connections of one purpose. Nothing is set for a session, and no statement is prepared by name, so that a pooler which
 * gives each transaction another connection (PgBouncer) may stand between. What a transaction sends without waiting for the
 * answer before goes out at once.
 */
export function openPool(url: string, connections: number, answerTimeoutMs = ANSWER_TIMEOUT_MS): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    pipeline: true,
    application_name: 'broxi-webhooks',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: parserOf },
  });
  // A connection that ends tells whoever uses it; an idle one is replaced when it is needed.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Counters and instants are bigint there, and safe integers here. */
function parserOf(oid: number, format?: 'text' | 'binary') {
  return oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format);
}

/** What only reads, each in a short transaction of its own. */
export class Reads {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** One statement, in one round trip. Text that holds a NUL finds nothing. */
  readonly query: Query = async <Row extends object>(text: string, values: readonly Value[] = []): Promise<Row[]> =>
    await this.#patiently(async (client) => {
      const [, answer] = await Promise.allSettled([
        client.query(BEGIN_READING),
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
