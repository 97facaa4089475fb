import { LaneMap } from '../domain/lane-map.ts';
import type { Lane } from '../domain/webhook.ts';
import type { Position, QueuedDelivery, Wake } from './store.ts';

/** More new deliveries of one lane than this in one transaction are read from the queue like any others. */
const MAX_HANDED_OVER = 64;

/** The lanes that the open transaction gives work to; told to the engine once that transaction is on disk. */
export class WakeList {
  #wakes = new LaneMap<ListedWake>();
  #listener: (wakes: readonly Wake[]) => void = () => {};

  /** A first attempt came in. */
  addFirst(delivery: QueuedDelivery): void {
    const wake = this.#wake(delivery.lane);
    wake.first ??= { dueAt: delivery.dueAt, seq: delivery.seq };
    if (wake.handedOver === null) return;
    if (wake.handedOver.length < MAX_HANDED_OVER) wake.handedOver.push(delivery);
    else wake.handedOver = null;
  }

  /** A delivery came in that waits for company, at that place. */
  addGathering(lane: Lane, place: Position): void {
    this.#wake(lane).gathering ??= place;
  }

  add(lane: Lane, news: 'recovered' | 'changed'): void {
    this.#wake(lane)[news] = true;
  }

  /** A delivery of a run was put back or replayed, or was cancelled. @param run null: it has none */
  addRun(lane: Lane, news: 'putBack' | 'freed', run: string | null): void {
    if (run !== null) this.#wake(lane)[news].add(run);
  }

  listen(listener: (wakes: readonly Wake[]) => void): void {
    this.#listener = listener;
  }

  get all(): readonly Wake[] {
    return [...this.#wakes.values()];
  }

  /** The transaction is committed. @returns tells the listener; to be called when it is on disk */
  commit(): () => void {
    const wakes = this.take();
    return wakes.length === 0 ? () => {} : () => this.#listener(wakes);
  }

  /** The transaction is committed, and somebody else tells of it. */
  take(): readonly Wake[] {
    const wakes = this.all;
    this.forget();
    return wakes;
  }

  /** The transaction was undone. */
  forget(): void {
    // Not emptied: of a map that lives for long V8 keeps what was in it until its next great collection.
    this.#wakes = new LaneMap();
  }

  #wake(lane: Lane): ListedWake {
    let wake = this.#wakes.get(lane);
    if (wake === undefined) {
      wake = {
        lane,
        first: null,
        handedOver: [],
        recovered: false,
        putBack: new Set(),
        freed: new Set(),
        gathering: null,
        changed: false,
      };
      this.#wakes.set(lane, wake);
    }
    return wake;
  }
}

type ListedWake = Wake & Record<'putBack' | 'freed', Set<string>>;
