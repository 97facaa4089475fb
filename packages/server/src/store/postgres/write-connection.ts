import type pg from 'pg';
import type { Clock } from '../../clock.ts';
import { firstOf, limits, type Query, queryOn } from './database.ts';
import { isConnectionError, translate, unavailable } from './errors.ts';
import { Transaction } from './transaction.ts';

/** The id of the transaction comes with its beginning: if the connection is lost at its end, the next one can ask about it. */
const BEGIN = `BEGIN; SELECT ${limits({ statement: 15_000, lock: 5_000, idle: 15_000 })}, pg_current_xact_id()::text AS id`;

const DOUBT_PAUSE_MS = 250;
const LONGEST_DOUBT_MS = 60_000;

/**
 * Opens transactions on the connection that writes.
 *
 * A connection that is lost while `COMMIT` is under way leaves open what became of it: to say that nothing was recorded could
 * be a lie, and to say that it was as well. So the database is asked, as soon as it answers again; until then callers wait.
 */
export class WriteConnection {
  readonly #pool: pg.Pool;
  readonly #clock: Clock;

  constructor(pool: pg.Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** @throws what `translate` says, having left nothing behind; `StoreUnavailableError` too if that could not be found out */
  async transact(work: (tx: Transaction) => Promise<void>): Promise<Transaction> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw translate(error);
    });
    const end = (error?: Error | boolean) => client.release(error);
    let id: Promise<string>;
    const tx = new Transaction(queryOn(client));
    try {
      id = idOf(client.query(BEGIN));
      // It is looked at when it is needed; what follows fails as well if this did.
      id.catch(() => {});
      await work(tx);
      await id;
    } catch (error) {
      // What it is in the middle of is undone by the end of the connection, if it is not by this.
      const undone = !isConnectionError(error) && (await client.query('ROLLBACK').catch(() => null)) !== null;
      end(!undone);
      throw translate(error);
    }
    try {
      const { command } = await client.query('COMMIT');
      if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command}`);
      end();
      return tx;
    } catch (error) {
      end(true);
      if (!isConnectionError(error)) throw translate(error);
      if (await this.#wasCommitted(await id, error)) return tx;
      throw translate(error);
    }
  }

  async #wasCommitted(id: string, cause: unknown): Promise<boolean> {
    const deadline = this.#clock.monotonic() + LONGEST_DOUBT_MS;
    while (this.#clock.monotonic() < deadline) {
      const status = await this.#statusOf(id).catch(() => 'unknown');
      if (status === 'committed') return true;
      if (status === 'aborted') return false;
      await new Promise<void>((resolve) => this.#clock.after(DOUBT_PAUSE_MS, resolve));
    }
    throw unavailable('the connection was lost during a commit, and the database has not answered since', cause);
  }

  async #statusOf(id: string): Promise<string> {
    const client = await this.#pool.connect();
    try {
      const query: Query = queryOn(client);
      const rows = await query<{ status: string | null }>('SELECT pg_xact_status($1::xid8) AS status', [id]);
      client.release();
      return firstOf(rows)?.status ?? 'unknown';
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}

/** `pg` answers several statements with one result for each. */
async function idOf(begun: Promise<pg.QueryResult | pg.QueryResult[]>): Promise<string> {
  const results = await begun;
  const last = Array.isArray(results) ? results.at(-1) : results;
  return String(last?.rows[0]?.id);
}
