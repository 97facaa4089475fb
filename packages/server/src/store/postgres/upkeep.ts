import { begin, openPool, type Query, transactOn } from './database.ts';
import { InTheWayError, isConnectionError, isStateOfAnother, translate } from './errors.ts';

/** Nobody waits for it, and it holds up nobody. */
const BEGIN = begin({ statement: 15_000, lock: 1_000, idle: 15_000 });
const ANSWER_TIMEOUT_MS = 20_000;
/** What has no limits of its own, and waits for longer than this, is left to itself. */
const ALONE_TIMEOUT_MS = 3_000;

/** A connection for what is done beside everything else, such as making and removing days of history. */
export class Upkeep {
  readonly #pool;

  constructor(url: string) {
    this.#pool = openPool(url, 1, { answerTimeoutMs: ANSWER_TIMEOUT_MS });
  }

  readonly transact = <Result>(work: (query: Query) => Promise<Result>): Promise<Result> =>
    transactOn(this.#pool, BEGIN, work);

  /**
   * Runs a statement outside of any transaction, and so without limits of its own.
   * @throws InTheWayError if it takes too long, or others did the same; in the database it may go on
   */
  readonly alone = async (text: string): Promise<void> => {
    try {
      const statement = { text, query_timeout: ALONE_TIMEOUT_MS };
      await this.#pool.query(statement);
    } catch (error) {
      if (isConnectionError(error) || isStateOfAnother(error)) throw new InTheWayError(String(error), { cause: error });
      throw translate(error);
    }
  };

  close(): Promise<void> {
    return this.#pool.end();
  }
}
