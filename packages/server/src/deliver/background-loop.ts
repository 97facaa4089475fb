import type { Clock } from '../clock.ts';

export interface BackgroundLoopOptions {
  clock: Clock;
  /** Does one short piece of work. @returns milliseconds until the next one */
  step: () => Promise<number>;
  /** Told of what should not happen; the loop goes on. */
  onError: (error: unknown) => void;
}

/** After an error: the store may be full, or away. */
const ERROR_PAUSE_MS = 5_000;

/**
 * Work beside the deliveries that nobody waits for: one step after another, each followed by a rest that it asks for.
 *
 * ```
 *   stopped ──start()──▶ resting ──time is up, or wake()──▶ in a step ──▶ resting
 *      ▲                    │                                   │
 *      └──────stop()────────┴─────────────stop(), waits─────────┘
 * ```
 */
export class BackgroundLoop {
  readonly #options: BackgroundLoopOptions;
  #running = false;
  #cancelRest: () => void = () => {};
  #step: Promise<void> | null = null;
  /** Woken during a step: the rest after it is left out. */
  #woken = false;

  constructor(options: BackgroundLoopOptions) {
    this.#options = options;
  }

  /** Idempotent. @param delayMs until the first step */
  start(delayMs: number): void {
    if (this.#running) return;
    this.#running = true;
    this.#rest(delayMs);
  }

  /** There is something to do: the next step is taken at once. */
  wake(): void {
    if (!this.#running) return;
    if (this.#step !== null) this.#woken = true;
    else this.#rest(0);
  }

  /** Takes no further step, and waits for the one that is under way. Idempotent, safe before the start. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#cancelRest();
    await this.#step;
  }

  #rest(delayMs: number): void {
    this.#cancelRest();
    this.#cancelRest = this.#options.clock.after(delayMs, () => {
      this.#step = this.#takeStep();
    });
  }

  async #takeStep(): Promise<void> {
    this.#woken = false;
    let restMs = ERROR_PAUSE_MS;
    try {
      restMs = await this.#options.step();
    } catch (error) {
      this.#options.onError(error);
    }
    this.#step = null;
    if (this.#running) this.#rest(this.#woken ? 0 : restMs);
  }
}
