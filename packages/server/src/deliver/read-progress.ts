import { DELIVERY_CLASS, DELIVERY_CLASSES, type DeliveryClass } from '../domain/delivery.ts';
import type { Position } from '../store/store.ts';

/**
 * How far each class of a lane was read, and in which something may be due that was not.
 *
 * ```
 *   unread ──begin()──▶ read up to a position ──news, a full read──▶ unread, from there
 *     ▲                          │
 *     └────────rewind()──────────┘  from the start
 * ```
 */
export class ReadProgress {
  readonly #cursors: PerClass<Position | null> = [null, null, null, null];
  /** Classes that are to be read from the start, whatever a read that is under way says about how far it came. */
  readonly #rewound: PerClass<boolean> = [false, false, false, false];
  readonly #unread: PerClass<boolean> = [true, true, true, true];

  isUnread(deliveryClass: DeliveryClass): boolean {
    return this.#unread[deliveryClass];
  }

  /** Something of this class may have become due. */
  markUnread(deliveryClass: DeliveryClass): void {
    this.#unread[deliveryClass] = true;
  }

  /** Where the next read begins; null: at the start. */
  cursor(deliveryClass: DeliveryClass): Position | null {
    return this.#cursors[deliveryClass];
  }

  /** A read begins: news that comes while it runs counts for the next one. */
  begin(deliveryClass: DeliveryClass): void {
    this.#unread[deliveryClass] = false;
    this.#rewound[deliveryClass] = false;
  }

  /** A read came so far, or deliveries were handed over up to there; undefined: it found nothing. */
  cameTo(deliveryClass: DeliveryClass, last: Position | undefined): void {
    if (last === undefined || this.#rewound[deliveryClass]) return;
    this.#cursors[deliveryClass] = { dueAt: last.dueAt, seq: last.seq };
  }

  /** Reads all of these classes again from the start: finds what stands before what was read last, and what news of was lost. */
  rewind(classes: readonly DeliveryClass[] = DELIVERY_CLASSES): void {
    for (const deliveryClass of classes) {
      this.#cursors[deliveryClass] = null;
      this.#rewound[deliveryClass] = true;
      this.#unread[deliveryClass] = true;
    }
  }

  /**
   * A delivery was put off, and waits there as a retry. A read may have come past it while its outcome was on the way to the
   * disk, and have left it alone because it was known.
   */
  putOff(place: Position): void {
    const cursor = this.#cursors[DELIVERY_CLASS.retry];
    if (cursor !== null && !isDueBefore(cursor, place)) this.rewind([DELIVERY_CLASS.retry]);
  }
}

type PerClass<Value> = [Value, Value, Value, Value];

/** The order in which deliveries of a class are due. */
export function isDueBefore(one: Position, other: Position): boolean {
  return one.dueAt === other.dueAt ? one.seq < other.seq : one.dueAt < other.dueAt;
}
