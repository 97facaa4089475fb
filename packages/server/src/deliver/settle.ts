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
  #stuck = 0;
  #stopped = false;

  constructor(queue: Pick<DeliveryQueue, 'settle'>, clock: Clock) {
    this.#queue = queue;
    this.#clock = clock;
  }

  get isStuck(): boolean {
    return this.#stuck > 0;
  }

  /** Writes nothing any more, for the store may be closed: deliveries whose outcome is not written stay owed. */
  stop(): void {
    this.#stopped = true;
  }

  /** @returns false if the delivery no longer was ours to settle, or the outcome could not be written before the stop */
  async settle(settlement: Settlement): Promise<boolean> {
    if (this.#stopped) return false;
    try {
      return await this.#queue.settle(settlement);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return await this.#settleLater(settlement);
    }
  }

  async #settleLater(settlement: Settlement): Promise<boolean> {
    this.#stuck += 1;
    try {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve));
        if (this.#stopped) return false;
        try {
          return await this.#queue.settle(settlement);
        } catch (error) {
          if (!(error instanceof StoreUnavailableError)) throw error;
        }
      }
    } finally {
      this.#stuck -= 1;
    }
  }
}
