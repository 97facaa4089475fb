import { type FieldReader, isPlainObject } from './field-reader.ts';

/** How many exchanges with a webhook's receiver may begin in any `period`, over all its attempts. */
export interface RateLimit {
  /** 1 to 10,000. */
  limit: number;
  /** Seconds, 1 to a day. */
  period: number;
}

/** Reads `rate_limit`: both fields or none. Default null: no limit. */
export function readRateLimit(fields: FieldReader): RateLimit | null {
  const value = fields.value('rate_limit');
  if (value === undefined) return null;
  const given = fields.object('rate_limit');
  if (!isPlainObject(value)) return null;
  given.refuseUnknown(['limit', 'period']);
  for (const name of ['limit', 'period']) {
    if (given.value(name) === undefined)
      given.report(name, 'is required: {"limit": 100, "period": 60} is 100 a minute');
  }
  return {
    limit: given.number('limit', { fallback: 1, min: 1, max: 10_000, integer: true }),
    period: given.duration('period', { fallback: 1, min: 1, max: 86_400 }),
  };
}

/**
 * When the latest exchanges began, which says when the next one may. The bound is a rolling one: the n-th begins at least a
 * period after the one `limit` before it, so that no window of a period's length ever holds more than `limit`.
 *
 * Instants are milliseconds of one clock that never goes back. Keeps at most `limit` of them.
 */
export class StartLog {
  readonly #limit: number;
  readonly #periodMs: number;
  /** The latest `limit` starts; once it is full, the oldest is at `#next`. */
  readonly #starts: number[];
  #next = 0;
  #latest = Number.NEGATIVE_INFINITY;

  /** @param starts that were made before, in any order */
  constructor({ limit, period }: RateLimit, starts: readonly number[] = []) {
    this.#limit = limit;
    this.#periodMs = period * 1000;
    this.#starts = [];
    for (const at of starts.toSorted((a, b) => a - b).slice(-limit)) this.add(at);
  }

  /** The earliest instant at which one more may begin; it may be long past. */
  nextAt(): number {
    const oldest = this.#starts.length < this.#limit ? undefined : this.#starts[this.#next];
    return oldest === undefined ? Number.NEGATIVE_INFINITY : oldest + this.#periodMs;
  }

  add(at: number): void {
    this.#latest = at;
    this.#starts[this.#next] = at;
    this.#next = (this.#next + 1) % this.#limit;
  }

  /** Nothing of what it holds bounds anything any more. */
  isOver(now: number): boolean {
    return this.#latest + this.#periodMs <= now;
  }
}
