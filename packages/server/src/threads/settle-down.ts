import { flushCompileCache } from 'node:module';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often it is looked whether a burst is over. */
const LOOK_MS = 2_000;
/** So many looks in a row find a thread at rest: bursts that are closer to each other than twenty seconds are one. */
const LOOKS_AT_REST = 10;
/** Of the time, in which a thread has something to do: more is a burst, and less is rest. */
const BUSY = 0.2;
const AT_REST = 0.02;

/**
 * For a thread that is ready: keeps the code that it compiled for the next start, and gives back the memory that only the
 * start needed, which V8 would hold until there is much more garbage. Later on the same is done after each burst of work: V8 itself
 * keeps the room that it had made for new objects. Not at once: the next burst is slower at first.
 */
export function settleDown(): void {
  flushCompileCache();
  const collect = collector();
  collect();
  const isOver = watchBursts();
  let before = performance.eventLoopUtilization();
  const look = () => {
    const { utilization } = performance.eventLoopUtilization(before);
    before = performance.eventLoopUtilization();
    if (isOver(utilization)) collect();
  };
  setInterval(look, LOOK_MS).unref();
}

/** Told what share of each stretch of time was busy, says whether a burst has come to its end: once for each. */
export function watchBursts(): (utilization: number) => boolean {
  let wasBusy = false;
  let looksAtRest = 0;
  return (utilization) => {
    if (utilization > BUSY) wasBusy = true;
    looksAtRest = utilization > AT_REST ? 0 : looksAtRest + 1;
    if (!wasBusy || looksAtRest < LOOKS_AT_REST) return false;
    wasBusy = false;
    return true;
  };
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return () => {
    // With one in the queue: when none is, V8 forgets what the objects of `nextTick` look like, and takes five times as long for each
    // from then on. A request takes five of them.
    process.nextTick(() => {});
    if (typeof collect === 'function') collect({ type: 'major', flavor: 'last-resort' });
  };
}
