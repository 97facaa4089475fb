import type { Ownership } from '../store/store.ts';
import type { Lane } from './lane.ts';

/** For a process that nobody shares the work with. */
export const OWNS_EVERYTHING: Ownership = { owns: () => true, onOwnership() {} };

/**
 * Lanes that are given up while something of them is in the air, or waits for its outcome to be written. Nothing of them is
 * started meanwhile; when all is over they have left, and whoever waits for it may hand them on.
 */
export class Departures {
  readonly #waiting = new Set<{ lanes: Set<Lane>; allLeft: () => void }>();

  /** Resolves when all of these have left. */
  async until(lanes: readonly Lane[]): Promise<void> {
    if (lanes.length === 0) return;
    await new Promise<void>((allLeft) => this.#waiting.add({ lanes: new Set(lanes), allLeft }));
  }

  left(lane: Lane): void {
    for (const waiting of this.#waiting) {
      waiting.lanes.delete(lane);
      if (waiting.lanes.size > 0) continue;
      this.#waiting.delete(waiting);
      waiting.allLeft();
    }
  }
}
