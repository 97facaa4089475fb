import { type Counts, nothingCounted } from '../counters.ts';
import { WakeList } from '../wake-list.ts';
import type { Prepared, Query, Value } from './database.ts';

/** A transaction that is open, and what it notes in memory: forgotten with it if it is undone. */
export class Transaction {
  readonly query: Query;
  readonly counts: Counts = nothingCounted();
  readonly wakes = new WakeList();
  /** Tells of its news, once it is committed. */
  committed: () => void = () => {};
  /** Revisions of workspaces that it has read. */
  readonly revisions = new Map<string, number>();

  readonly #run: Run;

  /** @param run runs a prepared statement. Default: unprepared */
  constructor(query: Query, run: Run = ({ text }, values) => query(text, values)) {
    this.query = query;
    this.#run = run;
  }

  /** Runs a statement that is run in most transactions. `Row` names its columns. */
  async run<Row extends object>(statement: Prepared, values: readonly Value[]): Promise<Row[]> {
    return (await this.#run(statement, values)) as Row[];
  }
}

type Run = (statement: Prepared, values: readonly Value[]) => Promise<object[]>;
