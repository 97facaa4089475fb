import { type Lane, laneKey } from '../../domain/webhook.ts';
import type { Wake } from '../store.ts';

/** The lanes that the open transaction gives work to; told to the engine once the transaction is on disk. */
export class WakeList {
  #wakes = new Map<string, Wake>();
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

  /** The transaction is on disk. */
  tell(): void {
    if (this.#wakes.size === 0) return;
    const wakes = [...this.#wakes.values()];
    this.#wakes = new Map();
    this.#listener(wakes);
  }

  /** The transaction was undone. */
  forget(): void {
    this.#wakes = new Map();
  }
}
