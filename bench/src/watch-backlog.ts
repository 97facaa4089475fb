import { setTimeout as sleep } from 'node:timers/promises';
import type { Counters } from './counters.ts';
import { readCounters, type System } from './system.ts';

const SAMPLE_MS = 500;

/**
 * Runs `work` and watches meanwhile, twice a second, how far the deliveries are behind the events: `largestBacklog` is the
 * largest `accepted − settled` that was seen. Rejects with what `work` or a look at the counters threw.
 *
 * @param start the counters when nothing was pending
 */
export async function watchBacklog<T>(
  { system, start }: { system: System; start: Counters },
  work: () => Promise<T>,
): Promise<{ result: T; largestBacklog: number }> {
  const ended = new AbortController();
  const [result, largestBacklog] = await Promise.all([
    work().finally(() => ended.abort()),
    largestUntil(ended.signal, { system, start }),
  ]);
  return { result, largestBacklog };
}

async function largestUntil(ended: AbortSignal, { system, start }: { system: System; start: Counters }) {
  let largest = 0;
  for (;;) {
    // Rejects only for the end of the work.
    await sleep(SAMPLE_MS, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return largest;
    const { accepted, settled } = await readCounters(system);
    largest = Math.max(largest, accepted - start.accepted - (settled - start.settled));
  }
}
