import type { Clock } from '../clock.ts';
import { StoreUnavailableError } from '../errors.ts';
import type { DeliveryQueue, Settlement } from '../store/store.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Writes outcomes, and goes on trying while the store cannot take them: an outcome that is known is not thrown away because
 * a disk is full. `stuck` counts those that wait for the store; the engine starts nothing new while there are any.
 */
export class Settler {
  readonly #queue: Pick<DeliveryQueue, 'settle'>;
  readonly #clock: Clock;
  #open = 0;
  #stuck = 0;
  #stopped = false;

  constructor(queue: Pick<DeliveryQueue, 'settle'>, clock: Clock) {
    this.#queue = queue;
    this.#clock = clock;
  }

  /** Outcomes that are not on disk yet. */
  get open(): number {
    return this.#open;
  }

  get isStuck(): boolean {
    return this.#stuck > 0;
  }

  /** Gives up on outcomes that the store refuses: their deliveries stay owed. */
  stop(): void {
    this.#stopped = true;
  }

  /** @returns false if the delivery no longer was ours to settle, or the outcome could not be written before the stop */
  async settle(settlement: Settlement): Promise<boolean> {
    this.#open += 1;
    try {
      return await this.#queue.settle(settlement);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return await this.#settleLater(settlement);
    } finally {
      this.#open -= 1;
    }
  }

  async #settleLater(settlement: Settlement): Promise<boolean> {
    this.#stuck += 1;
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !this.#stopped; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve));
        try {
          return await this.#queue.settle(settlement);
        } catch (error) {
          if (!(error instanceof StoreUnavailableError)) throw error;
        }
      }
      return false;
    } finally {
      this.#stuck -= 1;
    }
  }
}
