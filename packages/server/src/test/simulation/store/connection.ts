import type { StoreUnavailableError } from '../../../errors.ts';
import type { Chance } from '../chance.ts';
import type { ProcessClock, VirtualTime } from '../virtual-time.ts';
import { type Disk, unavailable } from './disk.ts';

/**
 * - `refused`: whoever asks is told at once; what is on its way is lost
 * - `swallowed`: nothing comes through, and nobody is told; what was sent arrives when the line is there again, or is refused then
 */
export type Outage = 'refused' | 'swallowed';

/** When a client gives up on what it asked. */
export const ANSWER_TIMEOUT_MS = { ofCluster: 5_000, ofStore: 45_000 } as const;

/** What was lost on its way is sent again by the network so much later at most. */
const LONGEST_REPEAT_MS = 3_000;

/** A question or its answer. */
interface Message {
  /** Whose timers bring it there: a process that sleeps hears nothing. */
  where: ProcessClock;
  arrive: () => void;
  fail: (error: StoreUnavailableError) => void;
}

/** Between one process and the database that it shares with others. Questions and answers take time, and may be lost. */
export class Connection {
  readonly #time: VirtualTime;
  readonly #database: ProcessClock;
  readonly #process: ProcessClock;
  readonly #disk: Disk;
  readonly #chance: Chance;
  readonly #hopMs: number;
  #outage: Outage | null = null;
  #isEnded = false;
  /** What waits for the line. */
  #swallowed: Message[] = [];
  /** Have what is asked fail. */
  readonly #open = new Set<(error: StoreUnavailableError) => void>();

  constructor(options: { time: VirtualTime; clock: ProcessClock; disk: Disk; chance: Chance; hopMs: number }) {
    this.#time = options.time;
    this.#database = options.time.clock();
    this.#process = options.clock;
    this.#disk = options.disk;
    this.#chance = options.chance;
    this.#hopMs = options.hopMs;
  }

  get isOut(): boolean {
    return this.#outage !== null;
  }

  cut(outage: Outage): void {
    this.#outage = outage;
    if (outage === 'swallowed') return;
    for (const fail of [...this.#open]) this.#process.hear(0, () => fail(unavailable('cut off')));
  }

  mend(): void {
    this.#outage = null;
    const late = this.#swallowed;
    this.#swallowed = [];
    for (const message of late) {
      if (this.#chance.happens(0.7)) this.#travel(this.#chance.between(0, LONGEST_REPEAT_MS), message);
      else this.#process.hear(0, () => message.fail(unavailable('cut off')));
    }
  }

  /** The process is no more: what is not there by now never comes. */
  end(): void {
    this.#isEnded = true;
    this.#swallowed = [];
  }

  /**
   * Has something done at the database.
   * @throws StoreUnavailableError if there is no answer: then it may have been done, or be done later
   */
  ask<Result>(work: () => Result | Promise<Result>, timeoutMs: number): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const ended = () => {
        this.#open.delete(fail);
        cancelTimeout();
      };
      const fail = (error: StoreUnavailableError) => {
        ended();
        reject(error);
      };
      const cancelTimeout = this.#process.after(timeoutMs, () => fail(unavailable('silent')));
      this.#open.add(fail);
      if (this.#outage === 'refused') {
        this.#process.hear(0, () => fail(unavailable('out of reach')));
        return;
      }
      // As long there as back: so the clock of the database can be followed exactly.
      const hopMs = this.#chance.between(0, this.#hopMs);
      const arrive = () => {
        const answer = this.#answer(work);
        // It may never arrive.
        answer.catch(() => {});
        const hear = () => {
          ended();
          answer.then(resolve, reject);
        };
        this.#travel(hopMs, { where: this.#process, arrive: hear, fail });
      };
      this.#travel(hopMs, { where: this.#database, arrive, fail });
    });
  }

  /** The database waits, whatever becomes of the process. */
  later(delayMs: number, action: () => void): void {
    this.#database.after(delayMs, action);
  }

  async #answer<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    if (this.#disk.fault === 'away') throw unavailable('away');
    return await work();
  }

  #travel(hopMs: number, message: Message): void {
    if (this.#outage === 'swallowed') this.#swallowed.push(message);
    if (this.#outage !== null || this.#isEnded) return;
    message.where.hear(hopMs, () => {
      if (this.#outage === null) message.arrive();
      else if (this.#outage === 'swallowed') this.#swallowed.push(message);
    });
  }

  get now(): number {
    return this.#time.now;
  }
}
