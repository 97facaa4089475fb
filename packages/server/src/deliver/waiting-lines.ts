import { DELIVERY_CLASS, SENT_CLASSES, type SentClass } from '../domain/delivery.ts';
import type { QueuedDelivery } from '../store/store.ts';
import { isDueBefore } from './read-progress.ts';

/** While first attempts wait, one start of this many and one more is a retry or a recovered one: a quarter at least. */
const FIRST_ONES_PER_OLD_ONE = 3;

const { first, retry, recovered } = DELIVERY_CLASS;
/** By who goes before the others, and which of the old ones is next. */
const TURNS = {
  first: { retry: [first, retry, recovered], recovered: [first, recovered, retry] },
  old: { retry: [retry, recovered, first], recovered: [recovered, retry, first] },
} as const;

/** What was read of a lane and not started: a line for each class, in the order in which things are due, and whose turn it is. */
export class WaitingLines {
  readonly #lines: Record<SentClass, QueuedDelivery[]> = { 0: [], 1: [], 2: [] };
  /** First attempts that were started since the last of the others. */
  #firstOnesInARow = 0;
  #recoveredIsNext = false;

  get isEmpty(): boolean {
    return SENT_CLASSES.every((each) => this.#lines[each].length === 0);
  }

  count(deliveryClass: SentClass): number {
    return this.#lines[deliveryClass].length;
  }

  first(deliveryClass: SentClass): QueuedDelivery | undefined {
    return this.#lines[deliveryClass][0];
  }

  /** Puts a delivery where it is due. */
  add(delivery: QueuedDelivery): void {
    const line = this.#lines[delivery.class];
    const before = line.findLastIndex((waiting) => isDueBefore(waiting, delivery));
    line.splice(before + 1, 0, delivery);
  }

  /** Puts back, before what waits, what was taken out of the lines. */
  putBefore(deliveries: readonly QueuedDelivery[]): void {
    for (const delivery of deliveries.toReversed()) this.#lines[delivery.class].unshift(delivery);
  }

  /**
   * The classes in the order in which one of them is to be started next: first attempts before the others, which alternate; every
   * fourth turn is theirs.
   * @param oldOnesMay these have not got all the slots that they may have beside first attempts
   */
  turns(oldOnesMay: boolean): readonly SentClass[] {
    const isTheirs = oldOnesMay && this.#firstOnesInARow >= FIRST_ONES_PER_OLD_ONE;
    return TURNS[isTheirs ? 'old' : 'first'][this.#recoveredIsNext ? 'recovered' : 'retry'];
  }

  /** One of this class was started in its turn. */
  hadItsTurn(deliveryClass: SentClass): void {
    if (deliveryClass === DELIVERY_CLASS.first) {
      this.#firstOnesInARow += 1;
    } else {
      this.#firstOnesInARow = 0;
      this.#recoveredIsNext = deliveryClass === DELIVERY_CLASS.retry;
    }
  }

  shift(deliveryClass: SentClass): QueuedDelivery | undefined {
    return this.#lines[deliveryClass].shift();
  }

  /** Takes out, of all classes, the one that has been due for longest among those that are meant. */
  takeOldest(isMeant: (delivery: QueuedDelivery) => boolean): QueuedDelivery | undefined {
    let oldest: QueuedDelivery | undefined;
    for (const delivery of this.#all()) {
      if (!isMeant(delivery)) continue;
      if (oldest === undefined || isDueBefore(delivery, oldest)) oldest = delivery;
    }
    return oldest && this.remove(oldest.id);
  }

  /** @returns undefined if it is not here */
  remove(deliveryId: string): QueuedDelivery | undefined {
    for (const each of SENT_CLASSES) {
      const line = this.#lines[each];
      const position = line.findIndex(({ id }) => id === deliveryId);
      if (position >= 0) return line.splice(position, 1)[0];
    }
    return undefined;
  }

  takeAll(): QueuedDelivery[] {
    return SENT_CLASSES.flatMap((each) => this.#lines[each].splice(0));
  }

  #all(): QueuedDelivery[] {
    return SENT_CLASSES.flatMap((each) => this.#lines[each]);
  }
}
