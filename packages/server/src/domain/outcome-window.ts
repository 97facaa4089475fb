import type { Evidence } from './circuit.ts';

const BUCKETS = 60;
const BUCKET_MS = 1_000;
const MIN_ATTEMPTS = 10;
const FAILED_SHARE = 0.7;
const FAILURES_IN_A_ROW = 5;
const WITHOUT_SUCCESS_MS = 30_000;

/**
 * How the attempts at one destination came out lately, which says whether there is an outage: at least 10 attempts in the last
 * minute and 70 % of them failed in a counted way; or the last 5 did, and for 30 s there was no success. A past that is not
 * known is one without success: to hold for a moment what would have arrived costs less than to use up its attempts.
 *
 * The minute is 60 buckets of a second, so that an attempt costs two sums and no memory. Instants are milliseconds of any
 * clock; one that is set back stands still here until it has caught up.
 */
export class OutcomeWindow {
  readonly #attempts = new Uint32Array(BUCKETS);
  readonly #failures = new Uint32Array(BUCKETS);
  #attemptCount = 0;
  #failureCount = 0;
  #inARow = 0;
  /** Number of the bucket of the latest attempt. */
  #latest = 0;
  #lastSuccessAt = Number.NEGATIVE_INFINITY;

  add(evidence: Exclude<Evidence, 'own_failure'>, now: number): void {
    const bucket = this.#advance(now);
    this.#attempts[bucket] = (this.#attempts[bucket] ?? 0) + 1;
    this.#attemptCount += 1;
    if (evidence !== 'counted_failure') {
      this.#inARow = 0;
      if (evidence === 'success') this.#lastSuccessAt = now;
      return;
    }
    this.#inARow += 1;
    this.#failures[bucket] = (this.#failures[bucket] ?? 0) + 1;
    this.#failureCount += 1;
  }

  showsOutage(now: number): boolean {
    if (this.#inARow >= FAILURES_IN_A_ROW && now - this.#lastSuccessAt >= WITHOUT_SUCCESS_MS) return true;
    this.#advance(now);
    return this.#attemptCount >= MIN_ATTEMPTS && this.#failureCount >= FAILED_SHARE * this.#attemptCount;
  }

  /** Whether forgetting it would change what it says. */
  isEmpty(now: number): boolean {
    this.#advance(now);
    return this.#attemptCount === 0 && this.#inARow === 0;
  }

  /** Lets buckets fall out of the minute. @returns the position of the bucket of `now` */
  #advance(now: number): number {
    const current = Math.max(this.#latest, Math.floor(now / BUCKET_MS));
    const from = Math.max(this.#latest + 1, current - BUCKETS + 1);
    for (let number = from; number <= current; number += 1) {
      const position = number % BUCKETS;
      this.#attemptCount -= this.#attempts[position] ?? 0;
      this.#failureCount -= this.#failures[position] ?? 0;
      this.#attempts[position] = 0;
      this.#failures[position] = 0;
    }
    this.#latest = current;
    return current % BUCKETS;
  }
}
