/** A receiver that just came back gets this many at first. */
const FIRST = 50;
const DOUBLES_EVERY_MS = 10_000;
const MOST = 500;

/** How often a job looks whether there is room for more. */
export const RELEASE_EVERY_MS = 500;

/**
 * The ramp of recovery: how many recovered deliveries of one webhook may wait at a time, a while after its job began to run.
 * A job looks for room every {@link RELEASE_EVERY_MS} and fills it up to here. So a receiver that just came back gets at
 * most 100 a second in the first ten seconds, twice as many in the next ten, and 1,000 a second in the end; one that takes
 * fewer, or that is held, gets no more than it takes. A restart of the server begins anew.
 */
export function recoveryWindow(elapsedMs: number): number {
  return Math.min(FIRST * 2 ** Math.floor(Math.max(0, elapsedMs) / DOUBLES_EVERY_MS), MOST);
}
