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
  /** Attempts by second, and behind them the failures among them. 16 bits: no lane makes 65,536 attempts in a second. */
  #counts: Uint16Array | null = null;
  #attemptCount = 0;
  #failureCount = 0;
  #inARow = 0;
  /** The second of the latest attempt. */
  #latest = 0;
  #lastSuccessAt = Number.NEGATIVE_INFINITY;

  add(evidence: Exclude<Evidence, 'own_failure'>, now: number): void {
    // Most lanes are idle, and a line that waits must stay small.
    this.#counts ??= new Uint16Array(2 * BUCKETS);
    const bucket = this.#advance(this.#counts, now);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#attemptCount += 1;
    if (evidence !== 'counted_failure') {
      this.#inARow = 0;
      if (evidence === 'success') this.#lastSuccessAt = now;
      return;
    }
    this.#inARow += 1;
    this.#counts[BUCKETS + bucket] = (this.#counts[BUCKETS + bucket] ?? 0) + 1;
    this.#failureCount += 1;
  }

  showsOutage(now: number): boolean {
    if (this.#inARow >= FAILURES_IN_A_ROW && now - this.#lastSuccessAt >= WITHOUT_SUCCESS_MS) return true;
    if (this.#counts !== null) this.#advance(this.#counts, now);
    return this.#attemptCount >= MIN_ATTEMPTS && this.#failureCount >= FAILED_SHARE * this.#attemptCount;
  }

  /** Whether forgetting it would change nothing that it says. */
  isEmpty(now: number): boolean {
    if (this.#counts !== null) this.#advance(this.#counts, now);
    return this.#attemptCount === 0 && this.#inARow === 0;
  }

  /** Lets seconds fall out of the minute. @returns the bucket of `now` */
  #advance(counts: Uint16Array, now: number): number {
    const current = Math.max(this.#latest, Math.floor(now / BUCKET_MS));
    const from = Math.max(this.#latest + 1, current - BUCKETS + 1);
    for (let second = from; second <= current; second += 1) {
      const bucket = second % BUCKETS;
      this.#attemptCount -= counts[bucket] ?? 0;
      this.#failureCount -= counts[BUCKETS + bucket] ?? 0;
      counts[bucket] = 0;
      counts[BUCKETS + bucket] = 0;
    }
    this.#latest = current;
    return current % BUCKETS;
  }
}
