import { type Lane, laneKey } from '../../domain/webhook.ts';
import type { Wake } from '../store.ts';

/** The lanes that transactions give work to; told to the engine once the transactions are on disk. */
export class WakeList {
  /** Of the open transaction. */
  #wakes = new Map<string, Wake>();
  /** Of transactions that are committed, and not on disk yet. */
  #written: Wake[] = [];
  #listener: (wakes: readonly Wake[]) => void = () => {};

  add(lane: Lane, news: keyof Omit<Wake, 'lane'>): void {
    const key = laneKey(lane);
    const known = this.#wakes.get(key);
    if (known !== undefined) known[news] = true;
    else this.#wakes.set(key, { lane, first: false, recovered: false, changed: false, [news]: true });
  }

  listen(listener: (wakes: readonly Wake[]) => void): void {
    this.#listener = listener;
  }

  /** The transaction is committed. */
  keep(): void {
    for (const wake of this.#wakes.values()) this.#written.push(wake);
    this.#wakes.clear();
  }

  /** The transaction was undone. */
  forget(): void {
    this.#wakes.clear();
  }

  /** What was kept is on disk. */
  tell(): void {
    if (this.#written.length === 0) return;
    const wakes = this.#written;
    this.#written = [];
    this.#listener(wakes);
  }
}
