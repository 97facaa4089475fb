import type { Witness } from './witness.ts';

/** Between two attempts while something is wrong on this side. */
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** What the rules say about trouble of our own: it holds up a webhook wherever that sends to. */
export class TroubleOracle {
  readonly #witness: Witness;
  #pause: { pauseMs: number; until: number } | null = null;
  #perhapsUntil = 0;
  /** When it began or ended last. */
  changedAt = 0;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** Nothing is wrong, for all that is known. */
  isOver(now: number): boolean {
    return this.#pause === null && this.#perhapsUntil <= now;
  }

  /** The latest instant at which it holds anything up. */
  get until(): number {
    return Math.max(this.#pause?.until ?? 0, this.#perhapsUntil);
  }

  /** An attempt begins. How much longer than the shortest pause it waited is up to the engine, which may have forgotten earlier trouble. */
  started(deliveryId: string): void {
    const { now } = this.#witness.time;
    if (this.#pause === null || now >= this.#pause.until - this.#pause.pauseMs + SHORTEST_PAUSE_MS) return;
    this.#witness.breach(`${deliveryId} was sent while trouble of our own is waited out`);
  }

  /** @param isSure the engine takes the outcome into account: the webhook leads there, and is not being changed */
  landed(isOwnFailure: boolean, isSure: boolean): void {
    const { now } = this.#witness.time;
    if (isOwnFailure) this.#witness.reached.note('a failure of our own');
    if (!isOwnFailure) {
      if (!this.isOver(now)) this.changedAt = now;
      this.#pause = null;
      this.#perhapsUntil = isSure ? 0 : now + LONGEST_PAUSE_MS;
      return;
    }
    // Nor can be told when a pause began while one may be running.
    const isKnown = isSure && this.#perhapsUntil <= now;
    if (!isKnown) this.#perhapsUntil = now + LONGEST_PAUSE_MS;
    if (!isKnown || (this.#pause !== null && now < this.#pause.until)) return;
    const pauseMs = this.#pause === null ? SHORTEST_PAUSE_MS : Math.min(this.#pause.pauseMs * 2, LONGEST_PAUSE_MS);
    this.#pause = { pauseMs, until: now + pauseMs };
    this.changedAt = now;
  }
}
