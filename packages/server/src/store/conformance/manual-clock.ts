import type { Clock } from '../../clock.ts';

/** A wall clock that is set by hand. Delays are not waited for: what a driver puts off runs as soon as it may. */
export interface ManualClock extends Clock {
  /** @param ms negative: backwards, as when somebody sets the clock of the machine */
  step(ms: number): void;
}

export function createManualClock(now = Date.UTC(2026, 0, 15, 10, 30)): ManualClock {
  let wall = now;
  return {
    now: () => wall,
    monotonic: () => performance.now(),
    after(_delayMs, action) {
      const planned = setImmediate(action);
      return () => clearImmediate(planned);
    },
    step(ms) {
      wall += ms;
    },
  };
}
