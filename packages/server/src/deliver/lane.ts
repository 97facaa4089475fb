import type { SignatureScheme } from '../domain/attempt.ts';
import type { Evidence } from '../domain/circuit.ts';
import {
  DELIVERY_CLASS,
  DELIVERY_CLASSES,
  type DeliveryClass,
  SENT_CLASSES,
  type SentClass,
} from '../domain/delivery.ts';
import { type DisabledReason, type Hold, NO_HOLD } from '../domain/hold.ts';
import type { Ordering } from '../domain/ordering.ts';
import { deriveRetryPolicy, type RetryPolicy } from '../domain/retry-policy.ts';
import { type Direction, OWN_DIRECTION } from '../domain/target.ts';
import { type Destination, type Lane as LaneId, UNKNOWN_DESTINATION, type Webhook } from '../domain/webhook.ts';
import type { LoadedLane, Position, QueuedDelivery } from '../store/store.ts';
import type { AttemptInput, Learned } from './attempt-delivery.ts';
import type { RequestTemplate, TemplateSettings } from './build-request.ts';
import { Gathering } from './gathering.ts';
import type { LaneDestination, Ramp } from './lane-destination.ts';
import type { HealthNews, Landed } from './lane-health.ts';
import { LaneWays } from './lane-ways.ts';
import { OwnTrouble } from './own-trouble.ts';
import type { Pacer } from './pacer.ts';
import { isDueBefore, ReadProgress } from './read-progress.ts';
import { RunOrder } from './run-order.ts';
import { WaitingLines } from './waiting-lines.ts';

/** While first attempts wait, one slot of this many is the most that retries and recovered ones take up: a quarter. */
const SLOTS_PER_OLD_ONE = 4;

/** First attempts that wait in memory of what was handed over; more are read from the queue once these are started. */
const MAX_WAITING = 512;

/** Runs whose heads are to be read, above which news is read in its turn: they bring as many deliveries into memory. */
const MAX_TO_LOOK_AT = 64;

/** What was left out and is not kept in memory is read again at most this often, which may read much. */
const REREAD_EVERY_MS = 1_000;

/**
 * One webhook's line, as its owner keeps it in memory: what was read and not started, what is in the air, what is being
 * settled, and how far each class was read. All of it can be rebuilt from rows.
 *
 * A delivery is read once: it goes `waiting` → `sending` → `settling` → gone, and stays in `known` all that time, so that
 * reading again from the start (as a sweep does) never starts it twice.
 *
 * With routes or a fallback a lane has several destinations, each with a circuit, a Retry-After and a learned signature of its
 * own. Slots, rate limit, holds and trouble of our own are the lane's.
 *
 * Where the webhook keeps the order of runs, only heads are read, and {@link RunOrder} knows which runs have one in memory.
 */
export class Lane {
  readonly id: LaneId;
  #webhook: Webhook | null = null;
  #ways: LaneWays | null = null;
  #policy: RetryPolicy | null = null;
  hold: Hold = NO_HOLD;
  /** An attempt disabled it, which is not on disk yet. */
  #isBeingDisabled = false;
  readonly #trouble = new OwnTrouble();
  /** Null: the webhook has no rate limit. */
  pacer: Pacer | null = null;
  /** How attempts keep to the rate limit, whatever that is when they need another exchange. */
  readonly anotherExchange: AttemptInput['anotherExchange'] = async (deadline) =>
    this.pacer === null || (await this.pacer.another(deadline));
  /** The webhook must be read (again) before anything is sent. */
  stale = true;
  /** It is among those that wait for their turn. */
  awaitsTurn = false;
  /** A read is under way. */
  reading = false;
  /** What was forgotten since the read that is under way began, and may be in what it brings; of what was settled, where it was. */
  readonly #goneSince = new Map<string, Placed | null>();
  /** Another process is to have it: nothing of it is started any more. */
  isLeaving = false;
  /** Attempts in the air. */
  sending = 0;
  /** Of those, retries and recovered ones. */
  #sendingOld = 0;
  /** When what was left out was last read again. */
  #rereadAt = Number.NEGATIVE_INFINITY;
  readonly #waiting = new WaitingLines();
  /** By id, deliveries that were read and are not settled, or are being cancelled; of one in the air, the ramp that it takes up room in. */
  readonly #known = new Map<string, 'waiting' | Ramp | 'settling' | 'cancelling'>();
  readonly #progress = new ReadProgress();
  /** What waits for company in a batch. */
  readonly gathering: Gathering;
  readonly runs = new RunOrder();
  /** Deliveries that are being cancelled, which a crash may undo. */
  #cancelling = 0;
  readonly #memory: { bytes: number };

  /** @param memory counts the bytes of data that wait in memory, over all lanes */
  constructor(id: LaneId, memory: { bytes: number }) {
    this.id = id;
    this.gathering = new Gathering(id.webhookId, this.#progress);
    this.#memory = memory;
  }

  get webhook(): Webhook | null {
    return this.#webhook;
  }

  /** What is sent to the webhook's own URL, made from its present version; null before it was read. */
  get sender(): Sender | null {
    return this.senderTo(OWN_DIRECTION);
  }

  /** The same for a route, or for its fallback. */
  senderTo(direction: Direction): Sender | null {
    const way = this.#ways?.of(direction);
    if (this.#webhook === null || way === undefined || this.#policy === null) return null;
    const { template, destination } = way;
    const { known, offerFirst } = destination;
    return { webhook: this.#webhook, template, policy: this.#policy, destination: known, offerFirst };
  }

  get #destinations(): Iterable<LaneDestination> {
    return this.#ways?.destinations ?? [];
  }

  configure({ webhook, hold, destinations }: LoadedLane, settings: TemplateSettings, now: number): void {
    if (this.#webhook?.version !== webhook.version) {
      this.#policy = deriveRetryPolicy(webhook.config.retry_policy);
      // What was left out may go elsewhere by now.
      for (const { leftOut } of this.#destinations) {
        this.#waiting.putBefore(leftOut.takeKept());
        if (leftOut.hasMore) this.rewind();
        leftOut.forgetMore();
      }
      const before = this.#webhook?.secret === webhook.secret ? this.#ways : null;
      this.#ways = new LaneWays(webhook, settings, { before, stored: destinations });
    }
    if (this.#webhook !== null && hold.resumedAt > this.hold.resumedAt) {
      for (const destination of this.#destinations) destination.probeNow(hold.resumedAt, now);
    }
    this.#order(webhook.config.ordering);
    const { disabledAt, disabledReason } = this.hold;
    this.hold = this.#isBeingDisabled ? { ...hold, disabledAt, disabledReason } : hold;
    this.#webhook = webhook;
    this.gathering.configure(webhook.config.batch);
  }

  /** What was read under another order may not be its turn, and what was passed over may. */
  #order(ordering: Ordering | null): void {
    const isSame = this.runs.isKeeping(ordering);
    this.runs.ordering = ordering;
    if (isSame) return;
    this.dropWaiting();
    this.runs.lookAtNone();
    this.rewind();
  }

  /** A setting or an earlier answer keeps everything back until a person changes it. */
  get isStopped(): boolean {
    const { pausedAt, disabledAt } = this.hold;
    return this.#webhook?.config.active !== true || pausedAt !== null || disabledAt !== null;
  }

  /** The instant before which nothing of it is sent to any destination; 0, or any other that is past: it is. */
  waitsUntil(now: number): number {
    return Math.max(this.#ways?.waitsUntil(now) ?? 0, this.#heldUpUntil(now));
  }

  /** The same for one destination, by its URL. */
  waitsUntilFor(url: string, now: number): number {
    return Math.max(this.#ways?.at(url)?.waitsUntil(now) ?? 0, this.#heldUpUntil(now));
  }

  /** What holds up all that it sends. */
  #heldUpUntil(now: number): number {
    const paced = this.pacer === null ? 0 : this.pacer.waitMs;
    return Math.max(this.#trouble.pausedUntil(now), paced > 0 ? Math.ceil(now + paced) : 0);
  }

  /** Nothing is sent anywhere but one probe at a time. */
  get isClosedOff(): boolean {
    return this.#ways?.isClosedOff === true;
  }

  /** All that is wanted is something to probe with, and whatever waits will do: there is one destination. */
  get probesWithAny(): boolean {
    return this.#ways?.hasOneDestination === true && this.isClosedOff;
  }

  /** What is known about a destination, to be written now. */
  toWrite(url: string): Destination {
    return this.#ways?.at(url)?.toWrite() ?? UNKNOWN_DESTINATION;
  }

  /**
   * Adds what an attempt learned about its destination to what others in the air have learned meanwhile.
   * @returns what is known now; null if the webhook sends nothing there by now, or has another secret
   */
  learn(sent: Sent, learned: Learned): Destination | null {
    return this.#destinationOf(sent)?.learn(learned) ?? null;
  }

  /**
   * Takes into account what an attempt tells about how its destination does, and we ourselves.
   * @param landed.offerNext the signed text that is to be offered first next time; without: as before
   * @returns null if the webhook sends nothing there by now, or has another secret
   */
  observe(sent: Sent, landed: Observation): HealthNews | null {
    const destination = this.#destinationOf(sent);
    if (destination === null) return null;
    const { evidence, offerNext, now } = landed;
    if (offerNext !== undefined) destination.offerFirst = offerNext;
    if (evidence === 'own_failure') {
      this.#trouble.add(now);
      return { destination: destination.known, isNews: false, isHopeless: false };
    }
    this.#trouble.end();
    const news = destination.observe({ ...landed, evidence, slots: this.#slots, resumedAt: this.hold.resumedAt });
    // A webhook is given up when none of its destinations takes anything.
    return news.isHopeless ? { ...news, isHopeless: this.#ways?.isHopeless(now) === true } : news;
  }

  #destinationOf({ webhook, url }: Sent): LaneDestination | null {
    return this.#webhook?.secret === webhook.secret ? (this.#ways?.at(url) ?? null) : null;
  }

  /** How many more attempts may start now. */
  get freeSlots(): number {
    const { room, inRamp } = this.#ways?.ramps ?? { room: 0, inRamp: 0 };
    // While something is wrong with ourselves, one is enough to see whether it still is.
    return Math.min(this.#slots - this.sending, this.#trouble.isThere ? Math.min(room, 1 - inRamp) : room);
  }

  /** What goes this route, or to the own URL, may be sent now. */
  takes(route: number | null, now: number): boolean {
    return this.#ways?.of({ ...OWN_DIRECTION, route })?.destination.takes(now) === true;
  }

  /** How many batches may be made: `free` of them could start now, `ahead` as soon as what is in the air is done with. */
  get batchRoom(): { ahead: number; free: number } {
    const { freeSlots } = this;
    // There is something else to probe with.
    const waits = !this.#waiting.isEmpty || this.classesToRead().length > 0;
    if (this.isClosedOff && waits) return { ahead: 0, free: 0 };
    const made = this.#waiting.count(DELIVERY_CLASS.first) + this.gathering.forming;
    const isCalm = freeSlots === this.#slots - this.sending;
    return { ahead: (isCalm ? this.#slots : freeSlots) - made, free: freeSlots - made };
  }

  /** The next instant at which there may be a batch to make; null: whatever changes that brings a turn with it. */
  gathersUntil(now: number): number | null {
    let first = this.gathering.nextReadyAt(now);
    for (const route of this.gathering.routesReady(now)) {
      const until = this.#ways?.of({ ...OWN_DIRECTION, route })?.destination.waitsUntil(now) ?? 0;
      if (until > now) first = Math.min(first ?? until, until);
    }
    return first;
  }

  /** Deliveries that are in the air, or whose outcome is being written. */
  get unsettled(): number {
    let count = 0;
    for (const state of this.#known.values()) if (state !== 'waiting') count += 1;
    return count;
  }

  /** It is in the air, or its outcome is being written. */
  isSending(deliveryId: string): boolean {
    const state = this.#known.get(deliveryId);
    return typeof state === 'object' || state === 'settling';
  }

  /** An attempt ends the lane's deliveries for now. @returns false if something else did before, or a person resumed it since */
  disable(reason: DisabledReason, now: number): boolean {
    if (this.hold.disabledAt !== null || this.hold.resumedAt >= now) return false;
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
    return this.#known.size === 0 && this.gathering.isIdle && !this.reading;
  }

  /** Forgetting the lane loses nothing that matters: rows say the rest. */
  isForgettable(now: number): boolean {
    if (!this.isIdle || this.pacer?.isOver === false) return false;
    return this.#ways?.isQuiet(now) !== false;
  }

  /** Something of this class may have become due. */
  markUnread(deliveryClass: DeliveryClass): void {
    this.#progress.markUnread(deliveryClass);
  }

  /**
   * Takes over new deliveries without reading them.
   * @returns false if something before them may be unread, or enough waits in memory: then they are read in their turn
   */
  accept(handedOver: readonly QueuedDelivery[]): boolean {
    const isMuch = this.#waiting.count(DELIVERY_CLASS.first) >= MAX_WAITING || this.runs.toLookAt >= MAX_TO_LOOK_AT;
    if (this.#progress.isUnread(DELIVERY_CLASS.first) || this.reading || isMuch) return false;
    // Whether something stands before one in its run, the queue knows.
    for (const { run } of handedOver) this.runs.want(run);
    const free = handedOver.filter(({ run }) => !this.runs.keeps(run));
    this.add(0, free, { full: false, through: handedOver.at(-1) });
    return true;
  }

  /** Something of this class came in, there and maybe behind it. */
  readFrom(deliveryClass: DeliveryClass, place: Position): void {
    this.#progress.readFrom(deliveryClass, place);
  }

  /** Reads all of these classes again from the start. */
  rewind(classes?: readonly DeliveryClass[]): void {
    this.#progress.rewind(classes);
  }

  /** A delivery was put off, and waits there as a retry. */
  putOff(place: Position): void {
    this.#progress.putOff(place);
  }

  /** Something may be there that was not read. */
  get isUnread(): boolean {
    return DELIVERY_CLASSES.some((each) => this.#progress.isUnread(each));
  }

  /** The classes worth a read: something may be there, and less waits in memory than could be started. */
  classesToRead(): SentClass[] {
    if (this.#isUnsure) return [];
    return SENT_CLASSES.filter((c) => this.#progress.isUnread(c) && this.#mayBeNext(c, this.#waiting.first(c)));
  }

  /**
   * What is unread may be due before what waits. Heads of runs are read as these become free, so that a line may never be empty:
   * without this what has no run, or is of another one, would not have its turn.
   */
  #mayBeNext(deliveryClass: SentClass, waiting: QueuedDelivery | undefined): boolean {
    if (waiting === undefined) return true;
    const cursor = this.#progress.cursor(deliveryClass);
    return this.runs.ordering !== null && (cursor === null || isDueBefore(cursor, waiting));
  }

  /** A crash may bring back what is being cancelled, and nothing of its run may be on its way by then: what is read waits for it. */
  get #isUnsure(): boolean {
    return this.runs.ordering !== null && this.#cancelling > 0;
  }

  /** Takes out runs whose heads are to be read now. */
  takeRuns(limit: number): string[] {
    return this.#isUnsure ? [] : this.runs.take(limit);
  }

  /** Of these, the ones that something of may be sent now: what was not tried yet waits for the own URLs, and may be much. */
  classesToReadNow(now: number): SentClass[] {
    const takesFirst = this.#ways?.takesFirst(now) === true;
    return this.classesToRead().filter((deliveryClass) => takesFirst || deliveryClass === DELIVERY_CLASS.retry);
  }

  cursor(deliveryClass: DeliveryClass): Position | null {
    return this.#progress.cursor(deliveryClass);
  }

  /** A read begins: news that comes while it runs counts for the next one. */
  beginRead(deliveryClass: DeliveryClass): void {
    this.#progress.begin(deliveryClass);
    this.#goneSince.clear();
  }

  /** The same of single runs. */
  beginReadOfRuns(): void {
    this.#goneSince.clear();
  }

  /**
   * @param options.full the read stopped at its limit, so more may be due
   * @param options.through how far it looked, where that is further than what it found
   */
  add(
    deliveryClass: SentClass,
    read: readonly QueuedDelivery[],
    { full, through = read.at(-1) }: { full: boolean; through?: Position | null | undefined },
  ): void {
    this.#progress.cameTo(deliveryClass, through ?? undefined);
    if (full) this.#progress.markUnread(deliveryClass);
    this.admit(read);
  }

  /** Takes in what may be started, in the order in which it is due. */
  admit(deliveries: readonly QueuedDelivery[]): void {
    for (const delivery of deliveries) {
      if (this.#known.has(delivery.id) || this.#isGone(delivery) || !this.#hasItsTurn(delivery)) continue;
      this.#known.set(delivery.id, 'waiting');
      this.runs.hold(delivery);
      this.#waiting.add(delivery);
      this.#memory.bytes += memoryOf(delivery);
    }
  }

  /** Of a run in order one is in memory at a time. An earlier one, which was put back, takes the place of one that only waits. */
  #hasItsTurn(delivery: QueuedDelivery): boolean {
    if (this.#isUnsure && this.runs.keeps(delivery.run)) {
      this.runs.lookAt(delivery.run);
      return false;
    }
    const holder = this.runs.holderAgainst(delivery);
    if (holder === undefined) return true;
    if (delivery.seq < holder.seq && this.#known.get(holder.id) === 'waiting') {
      this.#takeOut(holder.id);
      this.#putAside(holder.id);
      return true;
    }
    this.runs.want(delivery.run);
    return false;
  }

  /**
   * The next to be started, or undefined. While first attempts wait, every fourth turn belongs to retries and recovered ones,
   * which alternate, as long as these take up less than a quarter of the slots (or one).
   * What stands before it and goes to a destination that takes nothing now is left out, so that it holds up nothing else.
   */
  take(now: number): QueuedDelivery | undefined {
    const mostOldOnes = Math.max(1, Math.floor(this.#slots / SLOTS_PER_OLD_ONE));
    for (const deliveryClass of this.#waiting.turns(this.#sendingOld < mostOldOnes)) {
      const found = this.#shift(deliveryClass, now);
      if (found === undefined) continue;
      this.#waiting.hadItsTurn(deliveryClass);
      return this.#start(found.delivery, found.destination);
    }
    return undefined;
  }

  /** The first of a line that its destination takes; takes out those before it, too. */
  #shift(
    deliveryClass: SentClass,
    now: number,
  ): { delivery: QueuedDelivery; destination: LaneDestination } | undefined {
    for (let next = this.#waiting.shift(deliveryClass); next !== undefined; next = this.#waiting.shift(deliveryClass)) {
      const destination = this.#ways?.of(next)?.destination;
      if (destination?.takes(now)) return { delivery: next, destination };
      if (!destination?.leftOut.add(next)) this.#drop(next);
    }
    return undefined;
  }

  /**
   * Of what waits in memory, the one that has been due for longest, whatever its class, for a destination that is to be probed;
   * undefined: none is to be, or nothing for it is at hand.
   */
  takeProbe(now: number): QueuedDelivery | undefined {
    for (const destination of this.#destinations) {
      if (!destination.isOpen || !destination.takes(now)) continue;
      const probe = this.#waiting.takeOldest((delivery) => this.#ways?.of(delivery)?.destination === destination);
      if (probe !== undefined) return this.#start(probe, destination);
    }
    return undefined;
  }

  #start(delivery: QueuedDelivery, destination: LaneDestination): QueuedDelivery {
    this.#memory.bytes -= memoryOf(delivery);
    this.#known.set(delivery.id, destination.started());
    this.sending += 1;
    if (delivery.class !== DELIVERY_CLASS.first) this.#sendingOld += 1;
    return delivery;
  }

  /** What was left out waits again, or is read again, where its destination takes something by now. */
  bringBack(now: number): void {
    for (const destination of this.#destinations) {
      const { leftOut } = destination;
      if (leftOut.isEmpty || !destination.takes(now)) continue;
      this.#waiting.putBefore(leftOut.takeKept());
      if (!leftOut.hasMore || now < this.#mayRereadAt(now)) continue;
      leftOut.forgetMore();
      this.#rereadAt = now;
      this.rewind();
    }
  }

  /** The next instant at which there may be something to bring back, or to read; null: whatever changes that brings a turn with it. */
  leftOutUntil(now: number): number | null {
    let first: number | null = null;
    const isUnread = this.classesToRead().length > 0;
    for (const destination of this.#destinations) {
      const { isEmpty } = destination.leftOut;
      const waitsUntil = destination.waitsUntil(now);
      if (isEmpty ? !isUnread || waitsUntil <= now : waitsUntil <= now && destination.room <= 0) continue;
      const until = isEmpty ? waitsUntil : Math.max(waitsUntil, this.#mayRereadAt(now));
      first = Math.min(first ?? until, until);
    }
    return first;
  }

  /** A clock that was set back makes it no later. */
  #mayRereadAt(now: number): number {
    return this.#rereadAt > now ? now : this.#rereadAt + REREAD_EVERY_MS;
  }

  /** The attempt is over and its slot free; the outcome is still to be written. */
  landed(delivery: QueuedDelivery): void {
    this.sending -= 1;
    if (delivery.class !== DELIVERY_CLASS.first) this.#sendingOld -= 1;
    const state = this.#known.get(delivery.id);
    if (typeof state === 'object') state.inAir -= 1;
    this.#known.set(delivery.id, 'settling');
  }

  /**
   * The outcome is written, or the delivery was given back.
   * @param place where it waited, if it may be at another one by now; without, it is nowhere
   */
  forget(deliveryId: string, place: Placed | null = null): void {
    this.#putAside(deliveryId);
    if (this.reading) this.#goneSince.set(deliveryId, place);
  }

  /** A read that began before the outcome was written brings what it found then. */
  #isGone(delivery: QueuedDelivery): boolean {
    const place = this.#goneSince.get(delivery.id);
    if (place === undefined) return false;
    return place === null || (place.class === delivery.class && place.dueAt === delivery.dueAt);
  }

  /** Takes a delivery that is about to be cancelled out of the line; until it is {@link unreserve}d, no read brings it back. */
  reserve(deliveryId: string): void {
    this.#cancelling += 1;
    this.#known.set(deliveryId, 'cancelling');
    this.gathering.remove(deliveryId);
    this.#takeOut(deliveryId);
  }

  /** It is cancelled; or could not be, and waits as before. */
  unreserve(deliveryId: string, { isOver }: { isOver: boolean }): void {
    this.#cancelling -= 1;
    if (isOver) this.forget(deliveryId);
    else this.#putAside(deliveryId);
  }

  #takeOut(deliveryId: string): void {
    for (const { leftOut } of this.#destinations) this.#waiting.putBefore(leftOut.takeKept());
    const delivery = this.#waiting.remove(deliveryId);
    if (delivery !== undefined) this.#memory.bytes -= memoryOf(delivery);
  }

  /** Forgets what was read and not started: the webhook takes nothing for now. It is read again from the start. */
  dropWaiting(): void {
    let isAny = !this.#waiting.isEmpty;
    for (const { leftOut } of this.#destinations) {
      if (leftOut.isEmpty) continue;
      isAny = true;
      for (const delivery of leftOut.takeKept()) this.#drop(delivery);
      leftOut.forgetMore();
    }
    for (const delivery of this.#waiting.takeAll()) this.#drop(delivery);
    this.gathering.clear();
    if (isAny) this.rewind();
  }

  #drop(delivery: QueuedDelivery): void {
    this.#putAside(delivery.id);
    this.#memory.bytes -= memoryOf(delivery);
  }

  /** It waits as before, and any read may bring it back. */
  #putAside(deliveryId: string): void {
    this.#known.delete(deliveryId);
    this.runs.release(deliveryId);
  }
}

/** Where a delivery waits. */
type Placed = Pick<QueuedDelivery, 'class' | 'dueAt'>;

/** What one version of a webhook sends to one destination. */
interface Sender {
  webhook: Webhook;
  template: RequestTemplate;
  policy: RetryPolicy;
  destination: Destination;
  offerFirst: SignatureScheme | null;
}

/** An attempt: the version that it was made with, and where it went. */
export interface Sent {
  webhook: Webhook;
  url: string;
}

type Observation = Omit<Landed, 'evidence' | 'slots' | 'resumedAt'> & {
  evidence: Evidence;
  offerNext?: SignatureScheme | null;
};

/** Of a delivery beside its data: about what V8 needs for its objects and ids. */
export const MEMORY_PER_DELIVERY = 600;

function memoryOf({ event }: Pick<QueuedDelivery, 'event'>): number {
  return event.dataText.length + MEMORY_PER_DELIVERY;
}
