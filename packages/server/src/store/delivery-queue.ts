import type { AttemptRecord } from '../domain/attempt.ts';
import type { DeliveryOrigin, NextStep, PayloadKind, SentClass } from '../domain/delivery.ts';
import type { RecordedEvent } from '../domain/event.ts';
import type { DisabledReason, Hold } from '../domain/hold.ts';
import type { OnExhausted } from '../domain/ordering.ts';
import type { Destination, Lane, Webhook } from '../domain/webhook.ts';
import type { GatheringMember, GatheringQuery, NewBatch, SuccessorBatch } from './batches.ts';
import type { Position } from './position.ts';

/** What is owed, lane by lane. A lane has one owner at a time, which alone reads and settles it. */
export interface DeliveryQueue {
  /** Registers who is told, after each commit, which lanes have new work or a changed webhook. One listener. */
  onWake(listener: (wakes: readonly Wake[]) => void): void;
  /** Every lane that something waits in: the truth behind the wakes, read at start and now and then. */
  sweep(): Promise<Lane[]>;
  /** The webhook, what stops it and what is known about its destinations; null if it never existed. */
  loadLane(lane: Lane): Promise<LoadedLane | null>;
  /**
   * When the exchanges of the lane's attempts were sent, after an instant, in any order; of what is recorded. Reads what the
   * lane ever had: for an owner that takes it over, and for limited webhooks only.
   */
  exchangesSince(lane: Lane, after: number): Promise<number[]>;
  /** Deliveries of one class that are due and on disk, in order of `(dueAt, seq)`, after a position. Writes nothing. */
  readDue(query: DueQuery): Promise<QueuedDelivery[]>;
  /**
   * The same for a lane that keeps the order of runs: of what has a run, only its head. That is the one before which none of its
   * run waits, nor, with `block`, has failed. Looks at a bounded number of deliveries.
   */
  readHeads(query: HeadsQuery): Promise<HeadsRead>;
  /** The heads of these runs that are due and on disk, in any order. */
  headsOf(query: RunsQuery): Promise<QueuedDelivery[]>;
  /** When the next retry of the lane is due after an instant; null: none waits. */
  nextDueAt(lane: Lane, after: number): Promise<number | null>;
  /**
   * Writes the outcome of an attempt; the only writer of outcomes. An attempt that is not charged does not count in its
   * series; for what goes to the fallback from now on, none so far does. What `newsOf` tells of it is recorded with it, and owed
   * to the webhooks of the workspace that name the type; so are the batches that carry on what this one did not deliver.
   * @returns false, having written nothing, if the delivery no longer waits where it was read (fence lost)
   */
  settle(settlement: Settlement): Promise<boolean>;
  /** Deliveries that wait for company in a batch and are on disk, in order of `(dueAt, seq)`, after a position. Writes nothing. */
  readGathering(query: GatheringQuery): Promise<GatheringMember[]>;
  /**
   * Makes one delivery of those members that still wait where they were read; it is due at once. From then on it carries their
   * fate, and what it carries never changes.
   * @returns how many it has; 0: none waits any more, and there is no batch
   */
  formBatch(batch: NewBatch): Promise<number>;
  /** Has up to `limit` of those that wait for company go by themselves, first ones first. @returns how many */
  releaseGathering(lane: Lane, limit: number): Promise<number>;
  /**
   * Cancels up to `limit` waiting deliveries of a lane, or the one named: also one that failed, where it has a run that may wait
   * for it. @returns how many
   */
  cancel(cancellation: { lane: Lane; deliveryId?: string; limit: number; reason: string }): Promise<number>;
  /**
   * Puts a failed or cancelled delivery back into the queue with a fresh schedule, at its own URL or route. @returns false if it
   * is neither, or was a batch whose members are in others by now
   */
  requeue(lane: Lane, deliveryId: string): Promise<boolean>;
  /**
   * Owes the event of a delivery again, as a new delivery. @returns false if there is no such delivery, or it still waits, by
   * itself or in a batch
   */
  replay(lane: Lane, deliveryId: string, newDeliveryId: string): Promise<boolean>;
}

export interface LoadedLane {
  webhook: Webhook;
  hold: Hold;
  /** By URL: all that is known, maybe also of a URL that it had. */
  destinations: ReadonlyMap<string, Destination>;
}

export interface QueuedDelivery {
  lane: Lane;
  /** The order in which the store took deliveries in. */
  seq: number;
  id: string;
  class: SentClass;
  dueAt: number;
  createdAt: number;
  origin: DeliveryOrigin;
  /** Made so far, over all series. */
  attempts: number;
  /** Attempts that do not count in the present series: those made before it began, and those that charged nobody. */
  seriesFrom: number;
  /** Id of the route that was decided on when its event was published; null: the webhook's own URL. */
  route: number | null;
  /** The run that it goes in order with, as long as its webhook keeps one; null: none. */
  run: string | null;
  /** It was given up there, and goes to the webhook's fallback. */
  atFallback: boolean;
  /** As it was decided when its event was published. */
  payload: PayloadKind;
  event: Pick<RecordedEvent, 'id' | 'type' | 'occurredAt' | 'dataText'>;
}

export interface DueQuery {
  lane: Lane;
  class: SentClass;
  /** Null: from the start. */
  after: Position | null;
  /** Due at this instant or before. */
  dueBy: number;
  limit: number;
}

export interface HeadsQuery extends DueQuery {
  onExhausted: OnExhausted;
}

export interface HeadsRead {
  heads: QueuedDelivery[];
  /** How far it looked, to go on from there; null: there was nothing. */
  through: Position | null;
  /** There may be more behind it. */
  hasMore: boolean;
}

export interface RunsQuery {
  lane: Lane;
  runs: readonly string[];
  onExhausted: OnExhausted;
  /** Due at this instant or before. */
  dueBy: number;
}

export interface Settlement {
  delivery: QueuedDelivery;
  attempt: AttemptRecord;
  next: NextStep;
  /** Batches that carry on what this one did not deliver. */
  successors?: readonly SuccessorBatch[];
  /**
   * What was learned about the destination; null: nothing new. It is dropped if the webhook has had another URL or secret since
   * the version that the attempt was made with.
   */
  destination: { url: string; value: Destination } | null;
  /**
   * The attempt ends the webhook's deliveries for now: disables it, unless neither its URL nor one of its routes' is that of the
   * attempt by now, or a person resumed it since.
   */
  disable?: { reason: DisabledReason; at: number };
}

/** News of a lane. Retries are none: its owner wrote them. */
export interface Wake {
  lane: Lane;
  /**
   * Where the first of the first attempts that came in waits; null: none came in. It may be before what was read last: another
   * process took it in, and its transaction ended after one that began later.
   */
  first: Position | null;
  /** All of them, in order, so that an owner who is up to date need not read them; null: too many, or not at hand. */
  handedOver: QueuedDelivery[] | null;
  /** Deliveries were put back or replayed. */
  recovered: boolean;
  /** Where the first of those waits that came in to wait for company in a batch; null: none did. */
  gathering: Position | null;
  /** Runs in which deliveries were put back or replayed: maybe before one that the owner has read. */
  putBack: ReadonlySet<string>;
  /** Runs in which deliveries were cancelled: it may be the turn of the next one. */
  freed: ReadonlySet<string>;
  /** The webhook itself changed, so what is cached of it is stale. */
  changed: boolean;
}
