import type { Clock } from '../clock.ts';

export interface GroupTimerOptions {
  clock: Clock;
  lingerMs: number;
  /** So many jobs do not wait for `lingerMs`. */
  enoughJobs: number;
  /** Begins the next group. */
  begin: () => void;
}

/**
 * When the next group of writes begins: at rest at once; under load `lingerMs` after the one before, or as soon as there are
 * `enoughJobs`.
 */
export class GroupTimer {
  readonly #options: GroupTimerOptions;
  #cancel: (() => void) | null = null;
  /** It waits for company; else it is due in the next turn. */
  #lingering = false;
  #lastBegunAt = Number.NEGATIVE_INFINITY;

  constructor(options: GroupTimerOptions) {
    this.#options = options;
  }

  /** So many jobs wait, and a group may begin. */
  plan(jobs: number): void {
    const { clock, lingerMs, enoughJobs, begin } = this.#options;
    const enough = jobs >= enoughJobs;
    if (this.#cancel !== null && !(enough && this.#lingering)) return;
    this.#cancel?.();
    const delayMs = enough ? 0 : Math.max(0, this.#lastBegunAt + lingerMs - clock.monotonic());
    this.#lingering = delayMs > 0;
    this.#cancel = clock.after(delayMs, begin);
  }

  /** A group begins, whoever had it begin. */
  begun(): void {
    this.stop();
    this.#lastBegunAt = this.#options.clock.monotonic();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
