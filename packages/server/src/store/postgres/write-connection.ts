import type pg from 'pg';
import type { Clock } from '../../clock.ts';
import { newId } from '../../ids.ts';
import { begin, firstOf, queryOn } from './database.ts';
import { InTheWayError, isConnectionError, isOfPooler, translate, unavailable } from './errors.ts';
import { Transaction } from './transaction.ts';

/** Whoever is cut off in the middle of one has let go of its rows when another node takes over. */
const BEGIN = `${begin({ statement: 15_000, lock: 5_000, idle: 5_000 })}, set_config('enable_seqscan', 'off', true)`;

/** Waits for a transaction of the writer that is still open. Result: the number of the latest that was committed. */
const LATEST = `
  INSERT INTO broxi.writers (id, latest) VALUES ($1, 0)
  ON CONFLICT (id) DO UPDATE SET latest = writers.latest RETURNING latest`;

const FORGET = "DELETE FROM broxi.writers WHERE id = $1 OR begun_at < now() - interval '1 day'";

const DOUBT_PAUSE_MS = 250;
const LONGEST_DOUBT_MS = 60_000;

/**
 * Opens transactions on the connection that writes, one behind the other: as soon as `COMMIT` of one is on its way the next one
 * may send its statements, and the database has them when it is through. They are committed, and their callers told, in the
 * order in which they were begun.
 *
 * A connection that is lost while `COMMIT` is under way leaves open what became of it: to say that nothing was recorded could
 * be a lie, and to say that it was as well. So each transaction leaves its number in the writer's row, and the database is
 * asked for that, as soon as it answers again; until then callers wait. PostgreSQL's own number of a transaction would not
 * do: after a crash, or at a standby that was promoted, another one may have the same.
 *
 * With a synchronous standby that is away, PostgreSQL may say that something is committed which it alone has. It warns of
 * that; then it is asked as well, by a commit that waits in turn. Nothing else is committed until the answer is there, for the
 * writer's row tells of the latest one alone.
 */
export class WriteConnection {
  readonly #pool: pg.Pool;
  readonly #clock: Clock;
  readonly #id = newId('writer');
  #latest = 0;
  #last = Turn.past();
  /** Whether statements are prepared by name: not behind a pooler that does not know of them. */
  #prepares = true;

  constructor(pool: pg.Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /**
   * @param onCommitting called when `COMMIT` is on its way, or it ended before: the next one may begin
   * @throws what `translate` says, having left nothing behind; `StoreUnavailableError` too if that could not be found out
   */
  async transact(work: (tx: Transaction) => Promise<void>, onCommitting: () => void = () => {}): Promise<Transaction> {
    const before = this.#last;
    const turn = new Turn(onCommitting);
    this.#last = turn;
    await before.hasPassed;
    try {
      return await this.#transactInTurn(work, before, turn);
    } finally {
      turn.isCertain(true);
      await before.isOver;
      turn.end();
    }
  }

  async #transactInTurn(work: (tx: Transaction) => Promise<void>, before: Turn, turn: Turn): Promise<Transaction> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw translate(error);
    });
    this.#latest += 1;
    const number = this.#latest;
    const statements = new Statements(client);
    const query = queryOn(statements);
    const tx = new Transaction(query, ({ name, text }, values) =>
      this.#prepares ? statements.run({ name, text, values: [...values] }) : query(text, values),
    );
    const begun = statements.query(`${BEGIN}; ${this.#sign(number)}`);
    try {
      await work(tx);
      await begun;
      if (!(await before.certainty))
        throw new InTheWayError('what became of the transaction before it is not known yet');
    } catch (error) {
      await Promise.allSettled([begun]);
      const first = statements.firstError ?? error;
      // What it is in the middle of is undone by the end of the connection, if it is not by this.
      const undone = !isConnectionError(first) && (await client.query('ROLLBACK').catch(() => null)) !== null;
      client.release(!undone);
      if (!isOfPooler(first)) throw translate(first);
      this.#prepares = false;
      throw new InTheWayError('a pooler gave the connection to another session', { cause: first });
    }
    const committed = commit(client);
    // What comes next is sent behind it. A connection that is lost leaves the pool by itself.
    client.release();
    turn.pass();
    let doubt: unknown;
    try {
      const warnings = await committed;
      if (warnings.length === 0) return tx;
      doubt = warnings[0];
    } catch (error) {
      if (!isConnectionError(error)) throw translate(error);
      doubt = error;
    }
    turn.isCertain(false);
    if (await this.#wasCommitted(number, doubt)) return tx;
    throw translate(doubt);
  }

  async close(): Promise<void> {
    // Whoever closes next does it for those that cannot.
    if (this.#latest > 0) await this.#pool.query(FORGET, [this.#id]).catch(() => {});
    await this.#pool.end();
  }

  #sign(number: number): string {
    return `INSERT INTO broxi.writers (id, latest) VALUES ('${this.#id}', ${number})
      ON CONFLICT (id) DO UPDATE SET latest = excluded.latest, begun_at = now()`;
  }

  async #wasCommitted(number: number, cause: unknown): Promise<boolean> {
    const deadline = this.#clock.monotonic() + LONGEST_DOUBT_MS;
    while (this.#clock.monotonic() < deadline) {
      const latest = await this.#askForLatest().catch(() => null);
      if (latest !== null) return latest === number;
      await new Promise<void>((resolve) => this.#clock.after(DOUBT_PAUSE_MS, resolve));
    }
    throw unavailable('the connection was lost during a commit, and the database has not answered since', cause);
  }

  /** @returns null if that is not certain */
  async #askForLatest(): Promise<number | null> {
    const client = await this.#pool.connect();
    try {
      await client.query(BEGIN);
      const rows = await queryOn(client)<{ latest: number }>(LATEST, [this.#id]);
      const warnings = await commit(client);
      client.release();
      return warnings.length > 0 ? null : (firstOf(rows)?.latest ?? null);
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}

/** The statements of one transaction. Behind one that failed all others do, and do not say why. */
class Statements {
  readonly #client: pg.PoolClient;
  /** Why the transaction came to nothing. */
  firstError: unknown;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  query(text: string, values?: unknown[]): Promise<pg.QueryResult> {
    return this.#noted(this.#client.query(text, values));
  }

  async run(statement: pg.QueryConfig): Promise<object[]> {
    return (await this.#noted(this.#client.query(statement))).rows;
  }

  /** Here answers come in the order of the statements: whoever waits for them may hear of them in another one. */
  #noted<Answer>(answer: Promise<Answer>): Promise<Answer> {
    answer.catch((error: unknown) => {
      this.firstError ??= error;
    });
    return answer;
  }
}

/** A transaction among those on one connection. */
class Turn {
  readonly #passed = Promise.withResolvers<void>();
  readonly #certainty = Promise.withResolvers<boolean>();
  readonly #over = Promise.withResolvers<void>();
  readonly #onPassed: () => void;

  constructor(onPassed: () => void = () => {}) {
    this.#onPassed = onPassed;
  }

  /** One that was over before the first. */
  static past(): Turn {
    const turn = new Turn();
    turn.isCertain(true);
    turn.end();
    return turn;
  }

  /** Resolves when the next one may begin. */
  get hasPassed(): Promise<void> {
    return this.#passed.promise;
  }

  /** Resolves when its commit is answered, or it was undone: whether it is known what became of it. */
  get certainty(): Promise<boolean> {
    return this.#certainty.promise;
  }

  /** Resolves when it is over, and so are all before it. */
  get isOver(): Promise<void> {
    return this.#over.promise;
  }

  /** `COMMIT` is on its way. */
  pass(): void {
    this.#onPassed();
    this.#passed.resolve();
  }

  /** The first one counts. */
  isCertain(is: boolean): void {
    this.#certainty.resolve(is);
  }

  end(): void {
    this.pass();
    this.#over.resolve();
  }
}

/** @returns what the database has to say against it */
async function commit(client: pg.PoolClient): Promise<Error[]> {
  const warnings: Error[] = [];
  const onNotice = ({ message }: { message: string | undefined }) => void warnings.push(new Error(message));
  client.on('notice', onNotice);
  try {
    const { command } = await client.query('COMMIT');
    if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command}`);
    return warnings;
  } finally {
    client.off('notice', onNotice);
  }
}
