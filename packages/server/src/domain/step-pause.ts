const SHORTEST_MS = 20;
const LONGEST_MS = 5_000;
/** Work that nobody waits for takes up one part in so many. */
const PARTS = 10;

/**
 * How long upkeep rests after one of its steps, by how long the step took until it was on disk. A step waits for its turn
 * and for the disk as any write does: one that took long shows that the store is busy, and the rest grows with it, so that
 * upkeep steps aside under load and takes at most a tenth of the store's time.
 */
export function pauseAfterStep(tookMs: number): number {
  return Math.min(Math.max(SHORTEST_MS, tookMs * (PARTS - 1)), LONGEST_MS);
}
