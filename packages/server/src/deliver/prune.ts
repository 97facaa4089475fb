import type { Clock } from '../clock.ts';
import { pauseAfterStep } from '../domain/step-pause.ts';
import type { Retention } from '../store/store.ts';
import { BackgroundLoop } from './background-loop.ts';

/** Events that a step looks at, and about as many rows that it removes: some milliseconds. */
const ROWS_PER_STEP = 200;
/** A server that starts has better things to do at first. */
const FIRST_AFTER_MS = 60_000;
const ROUND_EVERY_MS = 3_600_000;

/**
 * Removes what is over and older than the retention: a round every hour, in small steps with rests between them, so that
 * deliveries are never held up. Whatever is still owed stays; the store sees to that.
 */
export class Pruner {
  readonly #store: Retention;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  readonly #loop: BackgroundLoop;
  /** Of the present round; null: none is under way. */
  #round: { before: number; after: number } | null = null;

  constructor(options: {
    store: Retention;
    clock: Clock;
    retentionMs: number;
    onError: (error: unknown) => void;
  }) {
    const { store, clock, retentionMs, onError } = options;
    this.#store = store;
    this.#clock = clock;
    this.#retentionMs = retentionMs;
    this.#loop = new BackgroundLoop({ clock, step: () => this.#step(), onError });
  }

  start(): void {
    this.#loop.start(FIRST_AFTER_MS);
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #step(): Promise<number> {
    const from = this.#clock.monotonic();
    this.#round ??= { before: this.#clock.now() - this.#retentionMs, after: 0 };
    const { next } = await this.#store.prune({ ...this.#round, limit: ROWS_PER_STEP });
    if (next === null) {
      this.#round = null;
      return ROUND_EVERY_MS;
    }
    this.#round.after = next;
    return pauseAfterStep(this.#clock.monotonic() - from);
  }
}
