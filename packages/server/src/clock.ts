/** Time, as the engine sees it. Passed in, so that tests and simulations run on virtual time. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary origin; for durations and deadlines. */
  monotonic(): number;
  /** Runs `action` once after `delayMs` (0 or more). The returned function cancels it and may be called at any time. */
  after(delayMs: number, action: () => void): () => void;
}

/** The longest delay that a Node timer takes without firing at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, action) {
    if (delayMs <= 0) {
      const turn = setImmediate(action);
      return () => clearImmediate(turn);
    }
    const timer = setTimeout(action, Math.min(delayMs, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
