import type { QueuedDelivery } from '../store/store.ts';

/** How much is kept in memory of what a destination does not take now. */
export const MOST_KEPT = 64;

/**
 * What was read and goes to a destination that takes nothing now, so that what stands behind it can go elsewhere. The first of
 * it is kept, so that a probe, or the first ones of a ramp, need not be looked for in the queue; the rest is read again.
 */
export class LeftOut {
  #kept: QueuedDelivery[] = [];
  /** More was left out than is kept. */
  #hasMore = false;

  get isEmpty(): boolean {
    return this.#kept.length === 0 && !this.#hasMore;
  }

  get hasMore(): boolean {
    return this.#hasMore;
  }

  /** @returns false if it is not kept, and must be read again */
  add(delivery: QueuedDelivery): boolean {
    // What comes after the first that is not kept is not either: the order stays.
    if (this.#hasMore || this.#kept.length >= MOST_KEPT) this.#hasMore = true;
    else this.#kept.push(delivery);
    return !this.#hasMore;
  }

  /** Takes out all that is kept, oldest of each class first. */
  takeKept(): QueuedDelivery[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }

  /** What was not kept is being read again. */
  forgetMore(): void {
    this.#hasMore = false;
  }
}
