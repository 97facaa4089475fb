import type { Clock } from '../clock.ts';
import { type RateLimit, StartLog } from '../domain/rate-limit.ts';

/**
 * Holds the exchanges of one webhook to its rate limit. The first exchange of an attempt is not begun before its turn; a
 * further one, of an attempt that is in the air, waits for it here, and goes before new attempts.
 */
export class Pacer {
  readonly limit: RateLimit;
  readonly #clock: Clock;
  readonly #log: StartLog;
  /** Attempts in the air that wait for another exchange. */
  #waiting = 0;

  /** @param ages of exchanges that began before, in milliseconds */
  constructor(limit: RateLimit, { clock, ages }: { clock: Clock; ages: readonly number[] }) {
    const now = clock.monotonic();
    this.limit = limit;
    this.#clock = clock;
    this.#log = new StartLog(
      limit,
      ages.map((age) => now - age),
    );
  }

  /** How long a new attempt has to wait; 0: it may start now. */
  get waitMs(): number {
    const waitMs = Math.max(0, this.#log.nextAt() - this.#clock.monotonic());
    return this.#waiting > 0 ? Math.max(1, waitMs) : waitMs;
  }

  /** The first exchange of an attempt begins. */
  start(): void {
    this.#log.add(this.#clock.monotonic());
  }

  /**
   * Waits until another exchange of an attempt may begin, which it does then.
   * @param deadline on the monotonic clock
   * @returns false if that is not before the deadline
   */
  async another(deadline: number): Promise<boolean> {
    this.#waiting += 1;
    try {
      for (;;) {
        const now = this.#clock.monotonic();
        const at = this.#log.nextAt();
        if (at <= now) {
          this.#log.add(now);
          return true;
        }
        if (at >= deadline) return false;
        await new Promise<void>((resolve) => this.#clock.after(at - now, resolve));
      }
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Forgetting it would allow nothing that it does not. */
  get isOver(): boolean {
    return this.#waiting === 0 && this.#log.isOver(this.#clock.monotonic());
  }
}
