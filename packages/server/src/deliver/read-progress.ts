import { DELIVERY_CLASS, DELIVERY_CLASSES, type DeliveryClass } from '../domain/delivery.ts';
import type { Position } from '../store/store.ts';

/**
 * How far each class of a lane was read, and in which something may be due that was not.
 *
 * ```
 *   unread ──begin()──▶ read up to a position ──news, a full read──▶ unread, from there or from where the news is
 *     ▲                          │
 *     └────────rewind()──────────┘  from the start
 * ```
 */
export class ReadProgress {
  readonly #cursors: PerClass<Cursor> = [null, null, null, null];
  /** How far a read that is under way can have come at most, whatever it says; undefined: as far as it says. */
  readonly #bounds: PerClass<Bound> = [undefined, undefined, undefined, undefined];
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
    this.#bounds[deliveryClass] = undefined;
  }

  /** A read came so far, or deliveries were handed over up to there; undefined: it found nothing. */
  cameTo(deliveryClass: DeliveryClass, last: Position | undefined): void {
    if (last === undefined) return;
    const cursor = { dueAt: last.dueAt, seq: last.seq };
    const bound = this.#bounds[deliveryClass];
    this.#cursors[deliveryClass] = bound === undefined ? cursor : earlier(cursor, bound);
  }

  /**
   * Something of this class came in, of which the first waits there. Another process may have given it a place before what
   * was read last, and a read that is under way may have passed it by before it was committed.
   */
  readFrom(deliveryClass: DeliveryClass, place: Position): void {
    this.#cursors[deliveryClass] = earlier(this.#cursors[deliveryClass], justBefore(place));
    this.#bound(deliveryClass, place);
    this.#unread[deliveryClass] = true;
  }

  /** Reads all of these classes again from the start: finds what stands before what was read last, and what news of was lost. */
  rewind(classes: readonly DeliveryClass[] = DELIVERY_CLASSES): void {
    for (const deliveryClass of classes) {
      this.#cursors[deliveryClass] = null;
      this.#bounds[deliveryClass] = null;
      this.#unread[deliveryClass] = true;
    }
  }

  /**
   * A delivery was put off, and waits there as a retry. A read may have come past it while its outcome was on the way to the
   * disk, and have left it alone because it was known; one that is under way may do so still.
   */
  putOff(place: Position): void {
    const cursor = this.#cursors[DELIVERY_CLASS.retry];
    if (cursor !== null && !isDueBefore(cursor, place)) this.rewind([DELIVERY_CLASS.retry]);
    this.#bound(DELIVERY_CLASS.retry, place);
  }

  /** A read that is under way may not have seen what is there. */
  #bound(deliveryClass: DeliveryClass, place: Position): void {
    const bound = this.#bounds[deliveryClass];
    this.#bounds[deliveryClass] = bound === undefined ? justBefore(place) : earlier(bound, justBefore(place));
  }
}

type PerClass<Value> = [Value, Value, Value, Value];
/** Null: before everything. */
type Cursor = Position | null;
type Bound = Cursor | undefined;

/** The order in which deliveries of a class are due. */
export function isDueBefore(one: Position, other: Position): boolean {
  return one.dueAt === other.dueAt ? one.seq < other.seq : one.dueAt < other.dueAt;
}

function justBefore({ dueAt, seq }: Position): Position {
  return { dueAt, seq: seq - 1 };
}

function earlier(one: Cursor, other: Cursor): Cursor {
  if (one === null || other === null) return null;
  return isDueBefore(one, other) ? one : other;
}
