import type { Clock } from '../../clock.ts';

/** A clock of one process: when that ends, none of its timers runs any more. */
export interface ProcessClock extends Clock {
  /** The same for what comes from outside: a process that wakes up runs its timers first. */
  hear(delayMs: number, action: () => void): void;
  end(): void;
  /** The process sleeps: what would run now runs when it wakes up. */
  stall(): void;
  wake(): void;
}

/**
 * Time for a whole simulation. Timers run in the order of their instants, those of one instant as they were set, and between
 * any two of them all promises settle. Nothing waits: an hour takes as long as what happens in it.
 *
 * Beside `FakeClock`, which tests of one behaviour use, this one finds the next timer in a heap, needs no turn of the event
 * loop for a step, and is shared by processes that end one by one.
 */
export class VirtualTime {
  readonly #startedAt: number;
  readonly #heap: Timer[] = [];
  #elapsed = 0;
  #timersSet = 0;
  #steps = 0;

  /** @param startedAt the wall clock's first reading, milliseconds since the epoch */
  constructor(startedAt = Date.UTC(2026, 0, 1)) {
    this.#startedAt = startedAt;
  }

  get now(): number {
    return this.#startedAt + this.#elapsed;
  }

  /** Monotonic milliseconds since the start, the same for all processes. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** Timers that ran. */
  get steps(): number {
    return this.#steps;
  }

  /** @param skewMs how far the wall clock of the process is ahead of the simulation's */
  clock({ skewMs = 0 }: { skewMs?: number } = {}): ProcessClock {
    let ended = false;
    let held: { timers: Timer[]; heard: Timer[] } | null = null;
    const set = (delayMs: number, action: () => void, kind: 'timers' | 'heard'): Timer => {
      const timer: Timer = { at: this.#elapsed + Math.max(0, delayMs), order: this.#timersSet, action: null };
      this.#timersSet += 1;
      timer.action = () => {
        if (held !== null) held[kind].push(timer);
        else if (!ended) action();
      };
      this.#push(timer);
      return timer;
    };
    return {
      now: () => this.now + skewMs,
      monotonic: () => this.#elapsed,
      after: (delayMs, action) => {
        const timer = set(delayMs, action, 'timers');
        return () => {
          timer.action = null;
        };
      },
      hear: (delayMs, action) => {
        set(delayMs, action, 'heard');
      },
      end() {
        ended = true;
      },
      stall() {
        held ??= { timers: [], heard: [] };
      },
      wake: () => {
        const late = [...(held?.timers ?? []), ...(held?.heard ?? [])];
        held = null;
        for (const timer of late) {
          // It was cancelled meanwhile.
          if (timer.action === null) continue;
          this.#push(Object.assign(timer, { at: this.#elapsed, order: this.#timersSet }));
          this.#timersSet += 1;
        }
      },
    };
  }

  /**
   * Lets time pass until an instant, or until `isOver` says so after a step.
   * @param until milliseconds since the epoch
   */
  async pass(until: number, isOver: () => boolean): Promise<void> {
    const end = until - this.#startedAt;
    await promisesSettled();
    for (;;) {
      const timer = this.#heap[0];
      if (isOver() || timer === undefined || timer.at > end) break;
      this.#pop();
      if (timer.action === null) continue;
      this.#elapsed = timer.at;
      this.#steps += 1;
      timer.action();
      await promisesSettled();
    }
    if (!isOver()) this.#elapsed = Math.max(this.#elapsed, end);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let child = heap.push(timer) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, timer)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      let below = heap[child];
      const other = heap[child + 1];
      if (below !== undefined && other !== undefined && isBefore(other, below)) {
        child += 1;
        below = other;
      }
      if (below === undefined || isBefore(last, below)) break;
      heap[parent] = below;
      parent = child;
    }
    heap[parent] = last;
  }
}

interface Timer {
  /** On the monotonic clock. */
  at: number;
  order: number;
  /** Null: it was cancelled. */
  action: (() => void) | null;
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at === other.at ? one.order < other.order : one.at < other.at;
}

/** Node runs what is given to `nextTick` when no promise has anything left to run, and without a turn of the event loop. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
