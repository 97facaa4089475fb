const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Something is wrong with ourselves, which holds a lane up wherever it sends to. A crash forgets it. */
export class OwnTrouble {
  #pause: { pauseMs: number; until: number } | null = null;

  /** One attempt is enough to see whether it still is there. */
  get isThere(): boolean {
    return this.#pause !== null;
  }

  /** Nothing is sent before; 0: nothing is wrong. A clock that was set back does not make it longer. */
  pausedUntil(now: number): number {
    const until = this.#pause?.until ?? 0;
    return until - now > LONGEST_PAUSE_MS ? now : until;
  }

  /** An attempt failed by it. Several that fail together are one trouble. */
  add(now: number): void {
    if (this.#pause !== null && now < this.#pause.until) return;
    const pauseMs = Math.min((this.#pause?.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
    this.#pause = { pauseMs, until: now + pauseMs };
  }

  end(): void {
    this.#pause = null;
  }
}
