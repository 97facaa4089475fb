import type { SignatureScheme } from '../domain/attempt.ts';
import { closedOffUntil, probeNow } from '../domain/circuit.ts';
import { DELIVERY_CLASS, DELIVERY_CLASSES, type DeliveryClass } from '../domain/delivery.ts';
import { type DisabledReason, type Hold, NO_HOLD } from '../domain/hold.ts';
import { deriveRetryPolicy, type RetryPolicy } from '../domain/retry-policy.ts';
import { type Destination, type Lane as LaneId, UNKNOWN_DESTINATION, type Webhook } from '../domain/webhook.ts';
import type { LoadedLane, Position, QueuedDelivery } from '../store/store.ts';
import type { Learned } from './attempt-delivery.ts';
import { createRequestTemplate, type RequestTemplate, type TemplateSettings } from './build-request.ts';
import { type HealthNews, type Landed, LaneHealth } from './lane-health.ts';
import type { Pacer } from './pacer.ts';

/**
 * While first attempts wait, one of this many starts is a retry or a recovered one, and one of this many slots is the most that
 * those take up: a quarter at least, and a quarter at most.
 */
const FIRST_ONES_PER_OLD_ONE = 3;
const SLOTS_PER_OLD_ONE = 4;

/** Shared by the lanes whose circuit is closed, which are nearly all: nothing is ever added to it. */
const NOBODY: Set<string> = new Set();

/** First attempts that wait in memory of what was handed over; more are read from the queue once these are started. */
const MAX_WAITING = 512;

/**
 * One webhook's line, as its owner keeps it in memory: what was read and not started, what is in the air, what is being
 * settled, and how far each class was read. All of it can be rebuilt from rows.
 *
 * A delivery is read once: it goes `waiting` → `sending` → `settling` → gone, and stays in `known` all that time, so that
 * reading again from the start (as a sweep does) never starts it twice.
 */
export class Lane {
  readonly id: LaneId;
  #webhook: Webhook | null = null;
  #template: RequestTemplate | null = null;
  #policy: RetryPolicy | null = null;
  destination: Destination = UNKNOWN_DESTINATION;
  hold: Hold = NO_HOLD;
  /** An attempt disabled it, which is not on disk yet. */
  #isBeingDisabled = false;
  #health = new LaneHealth(UNKNOWN_DESTINATION);
  /** Null: the webhook has no rate limit. */
  pacer: Pacer | null = null;
  /** The signed text that the latest attempt had no time for. */
  offerFirst: SignatureScheme | null = null;
  /** The webhook must be read (again) before anything is sent. */
  stale = true;
  /** A read is under way. */
  reading = false;
  /** Attempts in the air. */
  sending = 0;
  /** Of those, retries and recovered ones. */
  #sendingOld = 0;
  /** First attempts that were started since the last of the others. */
  #firstOnesInARow = 0;
  /** Ids of attempts that were in the air when the circuit opened: they take up slots, and no room in its ramp. */
  #late = NOBODY;
  #recoveredIsNext = false;
  readonly #waiting: [QueuedDelivery[], QueuedDelivery[], QueuedDelivery[]] = [[], [], []];
  /** Ids of deliveries that were read and are not settled, or are being cancelled. */
  readonly #known = new Map<string, 'waiting' | 'sending' | 'settling'>();
  readonly #cursors: [Position | null, Position | null, Position | null] = [null, null, null];
  /** Classes that are to be read from the start, whatever a read that is under way says about how far it came. */
  readonly #rewound: [boolean, boolean, boolean] = [false, false, false];
  /** Classes in which something may be due that was not read. */
  readonly #unread: [boolean, boolean, boolean] = [true, true, true];
  readonly #memory: { bytes: number };

  /** @param memory counts the bytes of data that wait in memory, over all lanes */
  constructor(id: LaneId, memory: { bytes: number }) {
    this.id = id;
    this.#memory = memory;
  }

  get webhook(): Webhook | null {
    return this.#webhook;
  }

  /** What is sent, made from the webhook's present version; null before it was read. */
  get sender(): { webhook: Webhook; template: RequestTemplate; policy: RetryPolicy } | null {
    if (this.#webhook === null || this.#template === null || this.#policy === null) return null;
    return { webhook: this.#webhook, template: this.#template, policy: this.#policy };
  }

  configure({ webhook, hold, destination }: LoadedLane, settings: TemplateSettings, now: number): void {
    if (this.#webhook?.version !== webhook.version) {
      this.#template = createRequestTemplate(webhook, settings);
      this.#policy = deriveRetryPolicy(webhook.config.retry_policy);
    }
    // What is learned goes to memory first: of the same receiver nothing newer can have been read.
    if (this.#webhook === null || !sameReceiver(this.#webhook, webhook)) {
      this.destination = destination;
      this.#health = new LaneHealth(destination);
      this.offerFirst = null;
    }
    if (this.#webhook !== null && hold.resumedAt > this.hold.resumedAt) {
      this.destination = { ...this.destination, circuit: probeNow(this.destination.circuit, now) };
    }
    const { disabledAt, disabledReason } = this.hold;
    this.hold = this.#isBeingDisabled ? { ...hold, disabledAt, disabledReason } : hold;
    this.#webhook = webhook;
  }

  /** A setting or an earlier answer keeps everything back until a person changes it. */
  get isStopped(): boolean {
    const { pausedAt, disabledAt } = this.hold;
    return this.#webhook?.config.active !== true || pausedAt !== null || disabledAt !== null;
  }

  /** The instant before which nothing of it is sent; 0, or any other that is past: it is. */
  waitsUntil(now: number): number {
    const { notBefore, circuit } = this.destination;
    const paced = this.pacer === null ? 0 : this.pacer.waitMs;
    return Math.max(
      notBefore,
      this.#health.pausedUntil(now),
      closedOffUntil(circuit, now),
      paced > 0 ? Math.ceil(now + paced) : 0,
    );
  }

  /** Nothing is sent but one probe at a time. */
  get isClosedOff(): boolean {
    return this.destination.circuit.state === 'open';
  }

  /**
   * Adds what an attempt learned about the destination to what others in the air have learned meanwhile.
   * @param sender the version that the attempt was made with
   * @returns what is known now; null if the webhook has another URL or secret by now
   */
  learn(sender: Webhook, learned: Learned): Destination | null {
    if (this.#webhook === null || !sameReceiver(this.#webhook, sender)) return null;
    const asked = 'notBefore' in learned ? learned.notBefore : 0;
    const notBefore = Math.max(this.destination.notBefore, asked);
    this.destination = { ...this.destination, ...learned, notBefore };
    return this.destination;
  }

  /**
   * Takes into account what an attempt tells about how the destination does.
   * @returns null if the webhook has another URL or secret by now
   */
  observe(sender: Webhook, landed: Omit<Landed, 'slots' | 'resumedAt'>): HealthNews | null {
    if (this.#webhook === null || !sameReceiver(this.#webhook, sender)) return null;
    const slots = this.#webhook.config.max_concurrency;
    const news = this.#health.observe(this.destination, { ...landed, slots, resumedAt: this.hold.resumedAt });
    const { circuit, failing } = news.destination;
    if (circuit.state === 'open' && this.destination.circuit.state !== 'open') this.#late = this.#inTheAir();
    if (circuit !== this.destination.circuit || failing !== this.destination.failing) {
      this.destination = { ...this.destination, circuit, failing };
    }
    return news;
  }

  /** How many more attempts may start now. */
  get freeSlots(): number {
    const inRamp = this.sending - this.#late.size;
    return Math.min(this.#slots - this.sending, this.#health.width(this.destination.circuit) - inRamp);
  }

  /** Deliveries that are in the air, or whose outcome is being written. */
  get unsettled(): number {
    let count = 0;
    for (const state of this.#known.values()) if (state !== 'waiting') count += 1;
    return count;
  }

  #inTheAir(): Set<string> {
    return new Set([...this.#known].filter(([, state]) => state === 'sending').map(([id]) => id));
  }

  /** An attempt ends the lane's deliveries for now. @returns false if something else did before */
  disable(reason: DisabledReason, now: number): boolean {
    if (this.hold.disabledAt !== null) return false;
    this.hold = { ...this.hold, disabledAt: now, disabledReason: reason };
    this.#isBeingDisabled = true;
    return true;
  }

  /** The outcome that {@link disable}d it is written, or was given up: what is on disk counts from now on. */
  disablingEnded(): void {
    if (!this.#isBeingDisabled) return;
    this.#isBeingDisabled = false;
    this.stale = true;
  }

  get #slots(): number {
    return this.#webhook?.config.max_concurrency ?? 0;
  }

  /** Nothing waits, flies or is being settled. */
  get isIdle(): boolean {
    return this.#known.size === 0 && !this.reading;
  }

  /** Forgetting the lane loses nothing that matters: rows say the rest. */
  isForgettable(now: number): boolean {
    return this.isIdle && this.#health.isQuiet(this.destination, now) && (this.pacer?.isOver ?? true);
  }

  /** Something of this class may have become due. */
  markUnread(deliveryClass: DeliveryClass): void {
    this.#unread[deliveryClass] = true;
  }

  /**
   * Takes over new deliveries without reading them.
   * @returns false if something before them may be unread, or enough waits in memory: then they are read in their turn
   */
  accept(handedOver: readonly QueuedDelivery[]): boolean {
    if (this.#unread[0] || this.reading || this.#waiting[0].length >= MAX_WAITING) return false;
    this.add(0, handedOver, { full: false });
    return true;
  }

  /** Reads all of these classes again from the start: finds what stands before what was read last, and what news of was lost. */
  rewind(classes: readonly DeliveryClass[] = DELIVERY_CLASSES): void {
    for (const deliveryClass of classes) {
      this.#cursors[deliveryClass] = null;
      this.#rewound[deliveryClass] = true;
      this.#unread[deliveryClass] = true;
    }
  }

  /** The classes worth a read: something may be there, and less waits in memory than could be started. */
  classesToRead(): DeliveryClass[] {
    return ([0, 1, 2] as const).filter((c) => this.#unread[c] && this.#waiting[c].length === 0);
  }

  cursor(deliveryClass: DeliveryClass): Position | null {
    return this.#cursors[deliveryClass];
  }

  /** A read begins: news that comes while it runs counts for the next one. */
  beginRead(deliveryClass: DeliveryClass): void {
    this.#unread[deliveryClass] = false;
    this.#rewound[deliveryClass] = false;
  }

  /** @param full the read stopped at its limit, so more may be due */
  add(deliveryClass: DeliveryClass, read: readonly QueuedDelivery[], { full }: { full: boolean }): void {
    const last = read.at(-1);
    if (last !== undefined && !this.#rewound[deliveryClass])
      this.#cursors[deliveryClass] = { dueAt: last.dueAt, seq: last.seq };
    if (full) this.#unread[deliveryClass] = true;
    for (const delivery of read) {
      if (this.#known.has(delivery.id)) continue;
      this.#known.set(delivery.id, 'waiting');
      this.#waiting[deliveryClass].push(delivery);
      this.#memory.bytes += memoryOf(delivery);
    }
  }

  /**
   * The next to be started, or undefined. While first attempts wait, every fourth turn belongs to retries and recovered ones,
   * which alternate, as long as these take up less than a quarter of the slots (or one).
   */
  take(): QueuedDelivery | undefined {
    const isOldOnesTurn =
      this.#firstOnesInARow >= FIRST_ONES_PER_OLD_ONE &&
      this.#sendingOld < Math.max(1, Math.floor(this.#slots / SLOTS_PER_OLD_ONE));
    const [first, retries, recovered] = this.#waiting;
    const old = this.#recoveredIsNext ? [recovered, retries] : [retries, recovered];
    const order = isOldOnesTurn ? [...old, first] : [first, ...old];
    const line = order.find((one) => one.length > 0);
    if (line === undefined) return undefined;
    if (line === first) {
      this.#firstOnesInARow += 1;
    } else {
      this.#firstOnesInARow = 0;
      this.#recoveredIsNext = line === retries;
    }
    return this.#start(line);
  }

  /** The one that has been due for longest, whatever its class, to probe with; undefined: none is at hand. */
  takeProbe(): QueuedDelivery | undefined {
    let oldest: QueuedDelivery[] | undefined;
    for (const line of this.#waiting) {
      const [head] = line;
      if (head !== undefined && (oldest?.[0] === undefined || isDueBefore(head, oldest[0]))) oldest = line;
    }
    return oldest && this.#start(oldest);
  }

  #start(line: QueuedDelivery[]): QueuedDelivery | undefined {
    const delivery = line.shift();
    if (delivery === undefined) return undefined;
    this.#memory.bytes -= memoryOf(delivery);
    this.#known.set(delivery.id, 'sending');
    this.sending += 1;
    if (delivery.class !== DELIVERY_CLASS.first) this.#sendingOld += 1;
    return delivery;
  }

  /** The attempt is over and its slot free; the outcome is still to be written. */
  landed(delivery: QueuedDelivery): void {
    this.sending -= 1;
    if (delivery.class !== DELIVERY_CLASS.first) this.#sendingOld -= 1;
    this.#known.set(delivery.id, 'settling');
    this.#late.delete(delivery.id);
  }

  /** The outcome is written, or the delivery was given back. */
  forget(deliveryId: string): void {
    this.#known.delete(deliveryId);
  }

  /** Takes a delivery that is about to be cancelled out of the line; until it is forgotten, no read brings it back. */
  reserve(deliveryId: string): void {
    this.#known.set(deliveryId, 'settling');
    for (const line of this.#waiting) {
      const position = line.findIndex((delivery) => delivery.id === deliveryId);
      if (position < 0) continue;
      for (const { event } of line.splice(position, 1)) this.#memory.bytes -= memoryOf({ event });
    }
  }

  /** Forgets what was read and not started: the webhook takes nothing for now. It is read again from the start. */
  dropWaiting(): void {
    if (this.#waiting.every((line) => line.length === 0)) return;
    for (const [position, line] of this.#waiting.entries()) {
      for (const { id, event } of line) {
        this.#known.delete(id);
        this.#memory.bytes -= memoryOf({ event });
      }
      this.#waiting[position] = [];
    }
    this.rewind();
  }
}

function isDueBefore(one: Position, other: Position): boolean {
  return one.dueAt === other.dueAt ? one.seq < other.seq : one.dueAt < other.dueAt;
}

function sameReceiver(one: Webhook, other: Webhook): boolean {
  return one.config.url === other.config.url && one.secret === other.secret;
}

/** Of a delivery beside its data: about what V8 needs for its objects and ids. */
export const MEMORY_PER_DELIVERY = 600;

function memoryOf({ event }: Pick<QueuedDelivery, 'event'>): number {
  return event.dataText.length + MEMORY_PER_DELIVERY;
}
