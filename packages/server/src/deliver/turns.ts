import type { Lane } from './lane.ts';

/** Taken turns that are kept in the queue before it is cut. */
const CUT_AFTER = 64;

/**
 * Lanes that may have something to start, in the order of their turns, each of them once. An array, for this is filled and
 * emptied with every delivery: what a `Set` leaves behind of that is old to V8, and is collected with all that is old.
 */
export class Turns {
  readonly #queue: Lane[] = [];
  /** Those before it had their turn. */
  #next = 0;

  /** Behind the others, unless it waits for its turn already. */
  add(lane: Lane): void {
    if (lane.awaitsTurn) return;
    lane.awaitsTurn = true;
    this.#queue.push(lane);
  }

  /** Takes out the first one; undefined: there is none. */
  take(): Lane | undefined {
    const lane = this.#queue[this.#next];
    if (lane === undefined) return undefined;
    lane.awaitsTurn = false;
    this.#next += 1;
    if (this.#next === this.#queue.length || (this.#next >= CUT_AFTER && this.#next * 2 >= this.#queue.length)) {
      this.#queue.splice(0, this.#next);
      this.#next = 0;
    }
    return lane;
  }

  /** It has no turn any more. */
  remove(lane: Lane): void {
    if (!lane.awaitsTurn) return;
    lane.awaitsTurn = false;
    this.#queue.splice(this.#queue.indexOf(lane, this.#next), 1);
  }
}
