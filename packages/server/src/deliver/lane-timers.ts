import type { Clock } from '../clock.ts';
import type { Lane } from './lane.ts';

/** One timer for each lane: of several instants that are asked for, the earliest counts. */
export class LaneTimers {
  readonly #clock: Clock;
  readonly #onDue: (lane: Lane) => void;
  readonly #timers = new Map<Lane, { at: number; cancel: () => void }>();

  constructor(clock: Clock, onDue: (lane: Lane) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** @param at milliseconds since the epoch */
  set(lane: Lane, at: number): void {
    const planned = this.#timers.get(lane);
    if (planned !== undefined && planned.at <= at) return;
    planned?.cancel();
    const cancel = this.#clock.after(at - this.#clock.now(), () => {
      this.#timers.delete(lane);
      this.#onDue(lane);
    });
    this.#timers.set(lane, { at, cancel });
  }

  has(lane: Lane): boolean {
    return this.#timers.has(lane);
  }

  forget(lane: Lane): void {
    this.#timers.get(lane)?.cancel();
    this.#timers.delete(lane);
  }

  clear(): void {
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
