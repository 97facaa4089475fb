import type { Clock } from '../../clock.ts';

/** Less is not worth a step: it may be the network's. */
const SMALLEST_STEP_MS = 5;

/**
 * A wall clock that follows the one of the database, which all nodes share: what one node puts off is due at that instant on
 * every other, however far their own clocks are apart.
 */
export function followDatabaseClock(base: Clock): {
  clock: Clock;
  /** @param reading.askedAt on the monotonic clock, when the database was asked; it has answered just now */
  observe: (reading: { databaseNow: number; askedAt: number }) => void;
} {
  let aheadMs = 0;
  return {
    clock: { ...base, now: () => Math.round(base.now() + aheadMs) },
    observe({ databaseNow, askedAt }) {
      // It was read somewhere between question and answer.
      const halfwayMs = (base.monotonic() - askedAt) / 2;
      const measured = databaseNow + halfwayMs - base.now();
      if (Math.abs(measured - aheadMs) > halfwayMs + SMALLEST_STEP_MS) aheadMs = measured;
    },
  };
}
