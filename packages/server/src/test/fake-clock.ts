import type { Clock } from '../clock.ts';

/** Virtual time: it stands still until {@link FakeClock.advance}, and then passes without waiting. */
export interface FakeClock extends Clock {
  /**
   * Lets `ms` of time pass: runs the timers that come due, each at its own instant, those of one instant in the order in
   * which they were set. Between any two, and before and after all of them, promises settle; what depends on real input
   * and output does not. `advance(0)` runs what is due now. Rejects with what a timer's action throws, at its instant.
   */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock `ms` forward, or back if negative. The monotonic clock and the timers do not notice. */
  jump(ms: number): void;
  /** Timers that are set. */
  readonly timers: number;
}

/** A timer that sets itself anew without delay would keep `advance` busy for ever. */
const MOST_TIMERS_PER_ADVANCE = 1_000_000;

/** @param options.now the wall clock's first reading, milliseconds since the epoch; default 2026-01-01T00:00Z */
export function createFakeClock({ now = Date.UTC(2026, 0, 1) }: { now?: number } = {}): FakeClock {
  let elapsed = 0;
  let wallOffset = now;
  let advancing = false;
  const timers = new Set<Timer>();

  /** Of several that are due at one instant the one that was set first: a set keeps that order. */
  const earliest = (): Timer | undefined => {
    let found: Timer | undefined;
    for (const timer of timers) if (found === undefined || timer.at < found.at) found = timer;
    return found;
  };

  const runUntil = async (end: number) => {
    for (let count = 0; ; count += 1) {
      await promisesSettled();
      const timer = earliest();
      if (timer === undefined || timer.at > end) return;
      if (count === MOST_TIMERS_PER_ADVANCE) throw new Error('The timers of the fake clock never come to an end.');
      timers.delete(timer);
      elapsed = timer.at;
      timer.action();
    }
  };

  return {
    now: () => Math.floor(wallOffset + elapsed),
    monotonic: () => elapsed,
    after(delayMs, action) {
      if (Number.isNaN(delayMs)) throw new RangeError('A timer needs a delay, and not NaN.');
      const timer = { at: elapsed + Math.max(0, delayMs), action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`Time passes forward only, not by ${ms} ms; see jump().`);
      if (advancing) throw new Error('Time passes already: await the advance() before.');
      advancing = true;
      try {
        const end = elapsed + ms;
        await runUntil(end);
        elapsed = end;
      } finally {
        advancing = false;
      }
    },
    jump(ms) {
      wallOffset += ms;
    },
    get timers() {
      return timers.size;
    },
  };
}

interface Timer {
  /** On the monotonic clock. */
  at: number;
  action: () => void;
}

/** All microtasks, and those that they make, run before the event loop takes its next turn. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
