import { DELIVERY_CLASSES, type DeliveryClass } from '../domain/delivery.ts';
import { deriveRetryPolicy, type RetryPolicy } from '../domain/retry-policy.ts';
import { destinationUrls } from '../domain/target.ts';
import { type Destination, type Lane as LaneId, UNKNOWN_DESTINATION, type Webhook } from '../domain/webhook.ts';
import type { Position, QueuedDelivery } from '../store/store.ts';
import type { Learned } from './attempt-delivery.ts';
import { createRequestTemplate, type RequestTemplate, type TemplateSettings } from './build-request.ts';

/** Of this many deliveries that are started while all classes wait, one is a retry or recovered. */
const TURNS_PER_OLD_ONE = 4;

/** First attempts that wait in memory; more are left in the queue until these are started. */
const MAX_WAITING = 64;

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
  /** By id of the route; null: the webhook's own URL. */
  #templates = new Map<number | null, RequestTemplate>();
  #policy: RetryPolicy | null = null;
  /** By URL; of all that the present version may send to. */
  #destinations = new Map<string, Destination>();
  #leftOutUntil: number | null = null;
  /** The webhook must be read (again) before anything is sent. */
  stale = true;
  /** A read is under way. */
  reading = false;
  /** Attempts in the air. */
  sending = 0;
  readonly #waiting: [QueuedDelivery[], QueuedDelivery[], QueuedDelivery[]] = [[], [], []];
  /** Ids of deliveries that were read and are not settled, or are being cancelled. */
  readonly #known = new Map<string, 'waiting' | 'sending' | 'settling'>();
  readonly #cursors: [Position | null, Position | null, Position | null] = [null, null, null];
  /** Classes that are to be read from the start, whatever a read that is under way says about how far it came. */
  readonly #rewound: [boolean, boolean, boolean] = [false, false, false];
  /** Classes in which something may be due that was not read. */
  readonly #unread: [boolean, boolean, boolean] = [true, true, true];
  readonly #memory: { bytes: number };
  #turn = 0;

  /** @param memory counts the bytes of data that wait in memory, over all lanes */
  constructor(id: LaneId, memory: { bytes: number }) {
    this.id = id;
    this.#memory = memory;
  }

  get webhook(): Webhook | null {
    return this.#webhook;
  }

  /** What is sent to the webhook's own URL, made from its present version; null before it was read. */
  get sender(): Sender | null {
    return this.senderTo(null);
  }

  /** The same for a route, by its id. What waits for one that is gone goes to the webhook's own URL. */
  senderTo(route: number | null): Sender | null {
    const template = this.#templates.get(route) ?? this.#templates.get(null);
    if (this.#webhook === null || template === undefined || this.#policy === null) return null;
    const destination = this.#destinations.get(template.target.url) ?? UNKNOWN_DESTINATION;
    return { webhook: this.#webhook, template, policy: this.#policy, destination };
  }

  /** @param destinations what is stored of them, by URL */
  configure(webhook: Webhook, destinations: ReadonlyMap<string, Destination>, settings: TemplateSettings): void {
    if (this.#webhook?.version !== webhook.version) {
      const routes = [null, ...(webhook.config.routes ?? []).map(({ id }) => id)];
      this.#templates = new Map(routes.map((route) => [route, createRequestTemplate(webhook, settings, route)]));
      this.#policy = deriveRetryPolicy(webhook.config.retry_policy);
      // It may go elsewhere by now.
      if (this.#leftOutUntil !== null) this.#leftOutUntil = 0;
    }
    // What is learned goes to memory first: of the same receiver nothing newer can have been read.
    const learned = this.#webhook?.secret === webhook.secret ? this.#destinations : new Map<string, Destination>();
    this.#destinations = new Map(
      destinationUrls(webhook.config).map((url) => [
        url,
        learned.get(url) ?? destinations.get(url) ?? UNKNOWN_DESTINATION,
      ]),
    );
    this.#webhook = webhook;
  }

  /**
   * Adds what an attempt learned about its destination to what others in the air have learned meanwhile.
   * @param sender the version that the attempt was made with, and where it went
   * @returns what is known now; null if the webhook sends nothing there by now, or has another secret
   */
  learn(sender: { webhook: Webhook; url: string }, learned: Learned): Destination | null {
    const known = this.#destinations.get(sender.url);
    if (known === undefined || this.#webhook?.secret !== sender.webhook.secret) return null;
    const asked = 'notBefore' in learned ? learned.notBefore : 0;
    const destination = { ...known, ...learned, notBefore: Math.max(known.notBefore, asked) };
    this.#destinations.set(sender.url, destination);
    return destination;
  }

  /** When the first of its destinations takes something again; null: one does now. */
  waitsUntil(now: number): number | null {
    let first = Number.POSITIVE_INFINITY;
    for (const { notBefore } of this.#destinations.values()) {
      if (notBefore <= now) return null;
      first = Math.min(first, notBefore);
    }
    return first;
  }

  /** When something may be read again that was left out because its destination waits; null: nothing was. */
  get leftOutUntil(): number | null {
    return this.#leftOutUntil;
  }

  /** Reads again, from the start, what was left out and may be sent by now. */
  readLeftOut(now: number): void {
    if (this.#leftOutUntil === null || this.#leftOutUntil > now) return;
    this.#leftOutUntil = null;
    this.rewind();
  }

  /** How many more attempts may start now. */
  get freeSlots(): number {
    return (this.#webhook?.config.max_concurrency ?? 0) - this.sending;
  }

  /** Nothing waits, flies or is being settled: forgetting the lane loses nothing. */
  get isIdle(): boolean {
    return this.#known.size === 0 && !this.reading;
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
   * The next to be started, or undefined. New ones first, but every fourth turn belongs to the older ones, which alternate.
   * What stands before it and goes to a destination that waits is left out, and read again later, so that it holds up
   * nothing that goes elsewhere.
   */
  take(now: number): QueuedDelivery | undefined {
    this.#turn += 1;
    const [first, retries, recovered] = this.#waiting;
    let order = [first, retries, recovered];
    if (this.#turn % TURNS_PER_OLD_ONE === 0) order = [retries, recovered, first];
    if (this.#turn % (2 * TURNS_PER_OLD_ONE) === 0) order = [recovered, retries, first];
    for (const line of order) {
      let delivery = line.shift();
      while (delivery !== undefined && this.#leavesOut(delivery, now)) delivery = line.shift();
      if (delivery === undefined) continue;
      this.#memory.bytes -= memoryOf(delivery);
      this.#known.set(delivery.id, 'sending');
      this.sending += 1;
      return delivery;
    }
    return undefined;
  }

  #leavesOut(delivery: QueuedDelivery, now: number): boolean {
    const until = this.senderTo(delivery.route)?.destination.notBefore ?? 0;
    if (until <= now) return false;
    this.#memory.bytes -= memoryOf(delivery);
    this.#known.delete(delivery.id);
    this.#leftOutUntil = Math.min(this.#leftOutUntil ?? until, until);
    return true;
  }

  /** The attempt is over and its slot free; the outcome is still to be written. */
  landed(delivery: QueuedDelivery): void {
    this.sending -= 1;
    this.#known.set(delivery.id, 'settling');
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

/** What one version of a webhook sends to one destination. */
interface Sender {
  webhook: Webhook;
  template: RequestTemplate;
  policy: RetryPolicy;
  destination: Destination;
}

/** Of a delivery beside its data: about what V8 needs for its objects and ids. */
export const MEMORY_PER_DELIVERY = 600;

function memoryOf({ event }: Pick<QueuedDelivery, 'event'>): number {
  return event.dataText.length + MEMORY_PER_DELIVERY;
}
