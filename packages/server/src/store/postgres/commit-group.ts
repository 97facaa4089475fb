import { StoreUnavailableError } from '../../errors.ts';
import { GroupTimer, type GroupTimerOptions } from '../group-timer.ts';
import { InTheWayError } from './errors.ts';
import type { Transaction } from './transaction.ts';

/** Work of one kind that is written together: many inputs, a few statements. Answers in the order of the inputs. */
export type Batch<Input, Output> = (tx: Transaction, inputs: readonly Input[]) => Promise<readonly Output[]>;

/**
 * Runs work in a transaction. Rejects with `InTheWayError`, `StoreUnavailableError` or what the work threw; nothing is left then.
 * @param onCommitting called when its commit is under way, so that the next one may begin
 */
export type Transact = (work: (tx: Transaction) => Promise<void>, onCommitting: () => void) => Promise<Transaction>;

/**
 * Group commit: what arrives together is written in one transaction, and each caller's promise settles after its commit.
 *
 * ```
 *   idle ──run()──▶ waiting ──▶ transaction ──▶ callers are told, then the lanes' owner
 *                      ▲             │
 *                      └─────────────┘ the next group has gathered meanwhile, and begins while this one is committed
 * ```
 *
 * One transaction after the other: so what this process takes in becomes visible in the order of its `seq`. At rest a single write
 * begins at once; under load a transaction begins `lingerMs` after the one before, or as soon as there is enough. Calls that
 * overlap have no order among each other: within a group, inputs of one batch are written together. The batches share round
 * trips; after them comes what was given to {@link work}, one after the other, for each may read what another one writes.
 *
 * If a group is refused it is halved until what is broken stands alone and fails alone. If another transaction was in the way
 * it is repeated. If the database cannot write, all of the group reject with `StoreUnavailableError`.
 */
export class CommitGroup {
  readonly #options: CommitGroupOptions;
  #jobs: Job[] = [];
  readonly #timer: GroupTimer;
  readonly #writing = new Set<Promise<void>>();
  /** The statements of one are under way; no other may begin. */
  #isOpen = false;
  #closed = false;
  #commits = 0;

  constructor(options: CommitGroupOptions) {
    this.#options = options;
    this.#timer = new GroupTimer({ ...options, begin: () => this.#begin() });
  }

  /** Transactions committed so far. */
  get commits(): number {
    return this.#commits;
  }

  /** Writes `input` with what else of its batch is there. It may be tried several times, and only the last one counts. */
  run<Input, Output>(batch: Batch<Input, Output>, input: Input, rows = 1): Promise<Output> {
    return this.#add(batch, input, { rows, isAlone: false });
  }

  /** Runs `work` inside the next transaction, by itself. */
  work<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return this.#add(async (tx: Transaction) => [await work(tx)], null, { rows: 1, isAlone: true });
  }

  #add<Input, Output>(batch: Batch<Input, Output>, input: Input, kind: Pick<Job, 'rows' | 'isAlone'>): Promise<Output> {
    if (this.#closed) {
      return Promise.reject(new StoreUnavailableError('Nothing can be recorded: the store is closed.', undefined));
    }
    return new Promise<Output>((resolve, reject) => {
      // A job is only ever given to its own batch, and told its own output.
      this.#jobs.push({ batch, input, ...kind, done: resolve, failed: reject } as unknown as Job);
      this.#plan();
    });
  }

  /** Commits what waits, and what is added meanwhile, and refuses what comes later. */
  async close(): Promise<void> {
    while (this.#jobs.length > 0 || this.#writing.size > 0) {
      if (this.#writing.size === 0) this.#begin();
      await Promise.all(this.#writing);
    }
    this.#closed = true;
  }

  #plan(): void {
    if (this.#jobs.length === 0 || this.#isOpen || this.#writing.size >= MOST_WRITING) return;
    this.#timer.plan(this.#jobs.length);
  }

  #begin(): void {
    this.#timer.begun();
    this.#isOpen = true;
    let isMine = true;
    const passed = () => {
      if (isMine) this.#isOpen = false;
      isMine = false;
      this.#plan();
    };
    const writing = this.#write(this.#nextGroup(), passed).then(() => {
      this.#writing.delete(writing);
      passed();
    });
    this.#writing.add(writing);
  }

  #nextGroup(): readonly Job[] {
    let rows = 0;
    const tooMany = this.#jobs.findIndex((job) => {
      rows += job.rows;
      return rows > MOST_ROWS;
    });
    return this.#jobs.splice(0, tooMany < 0 ? this.#jobs.length : Math.max(1, tooMany));
  }

  /** @param passed called when the next group may begin */
  async #write(jobs: readonly Job[], passed: () => void, attempt = 1): Promise<void> {
    const outputs: [Job, unknown][] = [];
    try {
      const tx = await this.#options.transact(async (tx) => {
        const write = async (batch: Job['batch'], own: readonly Job[]) => {
          const inputs = own.map(({ input }) => input);
          for (const [i, answer] of (await batch(tx, inputs)).entries()) outputs.push([own[i] as Job, answer]);
        };
        await together(batchesIn(jobs).map(([batch, own]) => write(batch, own)));
        for (const job of jobs) if (job.isAlone) await write(job.batch, [job]);
      }, passed);
      this.#commits += 1;
      for (const [job, output] of outputs) job.done(output);
      this.#options.afterCommit(tx);
    } catch (error) {
      await this.#fail(jobs, passed, { error, attempt });
    }
  }

  async #fail(
    jobs: readonly Job[],
    passed: () => void,
    { error, attempt }: { error: unknown; attempt: number },
  ): Promise<void> {
    if (error instanceof InTheWayError && attempt < MOST_ATTEMPTS) return await this.#write(jobs, passed, attempt + 1);
    const reason =
      error instanceof InTheWayError
        ? new StoreUnavailableError('Nothing can be recorded now: others hold what is to be written.', error)
        : error;
    if (jobs.length === 1 || reason instanceof StoreUnavailableError) {
      for (const job of jobs) job.failed(reason);
      return;
    }
    const middle = Math.ceil(jobs.length / 2);
    await this.#write(jobs.slice(0, middle), passed);
    await this.#write(jobs.slice(middle), passed);
  }
}

/** Of one transaction. One job alone may have more. */
const MOST_ROWS = 2_000;
const MOST_ATTEMPTS = 5;
/** Groups that are not over: one that is being committed, and one behind it. */
const MOST_WRITING = 2;

export interface CommitGroupOptions extends Omit<GroupTimerOptions, 'begin'> {
  transact: Transact;
  /** Called after each commit, when its callers were told. */
  afterCommit: (tx: Transaction) => void;
}

interface Job {
  batch: Batch<unknown, unknown>;
  input: unknown;
  /** About so many are written. */
  rows: number;
  /** It is written after all batches, and by itself. */
  isAlone: boolean;
  done: (output: unknown) => void;
  failed: (error: unknown) => void;
}

function batchesIn(jobs: readonly Job[]): (readonly [Job['batch'], readonly Job[]])[] {
  const shared = jobs.filter(({ isAlone }) => !isAlone);
  return [...Map.groupBy(shared, ({ batch }) => batch)];
}

/** Waits for all of them also if one fails: none may send anything more once the transaction is undone. */
async function together(writes: readonly Promise<void>[]): Promise<void> {
  // Rejects as the first of them does, which is the cause: behind it, the transaction takes nothing more.
  const all = Promise.all(writes);
  await Promise.allSettled([all, ...writes]);
  await all;
}
