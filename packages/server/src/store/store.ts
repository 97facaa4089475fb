import type { AttemptRecord } from '../domain/attempt.ts';
import type { DeliveryOrigin, DeliveryState, NextStep, PayloadKind, SentClass } from '../domain/delivery.ts';
import type { RecordedEvent } from '../domain/event.ts';
import type { DisabledReason, Hold, HoldChange } from '../domain/hold.ts';
import type { OnExhausted } from '../domain/ordering.ts';
import type { Destination, Lane, Webhook } from '../domain/webhook.ts';
import type { JobLog } from './job-log.ts';
import type { Retention } from './retention.ts';

export type { JobLog, JobStep, JobStepResult, NewJob } from './job-log.ts';
export type { PruneResult, PruneStep, Retention } from './retention.ts';

/**
 * The seam between the product and its databases. A driver implements {@link Store}; `conformance/` says what that means
 * and runs against every driver. All writes of a call are one transaction, and a promise resolves only when that
 * transaction is on disk. Writes that cannot be taken now reject with `StoreUnavailableError` and leave nothing behind.
 * Instants are milliseconds since the epoch. Everything is scoped to a workspace but what the engine sweeps over.
 */
export interface Store extends Directory, EventLog, DeliveryQueue, Ownership, History, JobLog, Retention {
  close(): Promise<void>;
}

/** Who may call, and what is configured. */
export interface Directory {
  /** Answers the workspace with the lowest id, and makes this one if there is none yet. */
  ensureWorkspace(workspace: Workspace): Promise<Workspace>;
  /** Adds the key, or replaces the one of the same id. */
  putApiKey(key: ApiKey): Promise<void>;
  findApiKey(hash: string): Promise<ApiKey | null>;
  /** Whose read token this is the hash of; null: nobody's any more. */
  findReadToken(hash: string): Promise<Lane | null>;
  /** The token itself, for who may see it; null: the webhook has none, or was deleted. */
  revealReadToken(lane: Lane): Promise<string | null>;
  /** What publishing needs, at one revision: every webhook that is not deleted, and the custom event types. */
  loadWorkspace(workspaceId: string): Promise<WorkspaceSnapshot>;
  /**
   * Creates (`expectedVersion: null`) or replaces a webhook: a new version and a new workspace revision. Rejects with
   * `ConflictError('version_mismatch')` unless the stored version is `expectedVersion`, and with `NotFoundError` if there is
   * no such webhook or workspace, or the webhook was deleted. Wakes its lane.
   */
  putWebhook(change: WebhookChange): Promise<Webhook>;
  /** Every version of a webhook, newest first; also of a deleted one. Empty: there is no such webhook. */
  listWebhookVersions(lane: Lane): Promise<Webhook[]>;
  /** What is known of the destinations of a webhook, or of all of a workspace; nothing of those that were never learned about. */
  listDestinations(workspaceId: string, webhookId?: string): Promise<KnownDestination[]>;
  /** What stops the webhooks of a workspace, or one of them; nothing of those that nothing ever stopped. */
  listHolds(workspaceId: string, webhookId?: string): Promise<KnownHold[]>;
  /**
   * Pauses, resumes or enables a webhook: one row, whatever it is owed, and the audit entry if that changed anything. Rejects
   * with `NotFoundError` if there is no such webhook, or it was deleted. Wakes its lane.
   */
  changeHold(request: HoldRequest): Promise<Hold>;
  putEventType(type: CustomEventType): Promise<void>;
  /** @returns false if there was none */
  deleteEventType(workspaceId: string, name: string): Promise<boolean>;
  appendAudit(entry: AuditEntry): Promise<void>;
}

/** Events, and the promise to deliver them. */
export interface EventLog {
  /**
   * Records the events of one request and every delivery that they cause, or answers what an earlier request with the same
   * idempotency key was answered. Resolves after the commit.
   */
  record(submission: Submission): Promise<RecordResult>;
  /** The outcome of a test send: event, terminal delivery and attempt at once, and news of a circuit that it closes. */
  recordTest(test: TestRecord): Promise<void>;
  getEvent(workspaceId: string, eventId: string): Promise<RecordedEvent | null>;
  listEvents(query: EventQuery): Promise<RecordedEvent[]>;
  /** The versions that were in force at a workspace revision, of webhooks that were not deleted then. */
  webhooksAt(workspaceId: string, revision: number): Promise<Webhook[]>;
}

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

/** Which lanes are this process's to send: all of them, unless several processes share the database. */
export interface Ownership {
  /** Whether a lane is ours now. In memory; to be looked at before each start. `sweep` and wakes are about such lanes alone. */
  owns(lane: Lane): boolean;
  /** Registers who is told when lanes come or go. One listener. */
  onOwnership(listener: OwnershipListener): void;
}

export interface OwnershipListener {
  /** Lanes came: a sweep finds what waits in them, and what is remembered of them is out of date. */
  gained(isGained: (lane: Lane) => boolean): void;
  /** Lanes go: none of them is ours any more. Resolves when nothing of them is in the air, or waits for its outcome to be written. */
  letGo(isLost: (lane: Lane) => boolean): Promise<void>;
}

/** What happened, for people. */
export interface History {
  getDelivery(workspaceId: string, deliveryId: string): Promise<Delivery | null>;
  /** Newest first. */
  listDeliveries(query: DeliveryQuery): Promise<Delivery[]>;
  /** By attempt number. */
  listAttempts(workspaceId: string, deliveryId: string): Promise<AttemptRecord[]>;
  /** Since this process opened the store; they never fall, but for `pending`. */
  counters(): Promise<StoreCounters>;
}

export interface Workspace {
  id: string;
  name: string;
}

export interface ApiKey {
  id: string;
  workspaceId: string;
  name: string;
  /** SHA-256 of the key, hexadecimal. The key itself is not kept. */
  hash: string;
  createdAt: number;
}

export interface CustomEventType {
  workspaceId: string;
  name: string;
  description: string;
  /** JSON Schema of `data`, as text. */
  schemaText: string;
  /** A sample of `data`, as text; null: none given. */
  sampleText: string | null;
  updatedAt: number;
}

export interface WorkspaceSnapshot {
  revision: number;
  webhooks: Webhook[];
  eventTypes: CustomEventType[];
}

export interface WebhookChange {
  webhook: Omit<Webhook, 'version' | 'revision' | 'createdAt'> & { createdAt?: number };
  expectedVersion: number | null;
  /** The webhook's from now on, in place of any other; absent: it keeps what it has. One that is deleted keeps none. */
  readToken?: ReadToken;
  audit: AuditEntry;
}

/** Reads the payloads of one webhook's deliveries, and nothing else. Kept sealed, and found by its hash. */
export interface ReadToken {
  token: string;
  /** SHA-256 of the token, hexadecimal. */
  hash: string;
}

export interface KnownDestination extends Destination {
  webhookId: string;
  url: string;
}

export interface KnownHold extends Hold {
  webhookId: string;
}

export interface HoldRequest {
  lane: Lane;
  change: HoldChange;
  /** Its instant is the one of the change. */
  audit: AuditEntry;
}

export interface AuditEntry {
  workspaceId: string;
  id: string;
  at: number;
  /** The API key's id, or `system`. */
  actor: string;
  action: string;
  subject: string;
  detail: string | null;
}

/** Scope and key of an idempotent request, with the hash of its canonical body. */
export interface IdempotencyKey {
  /** The route, for example `POST /v1/events`. */
  scope: string;
  key: string;
  bodyHash: string;
}

export interface Submission {
  workspaceId: string;
  events: readonly PlannedEvent[];
  /** Covers the whole request. */
  idempotency: IdempotencyKey | null;
  /** Kept with the request's key and returned for its repetition; opaque. */
  note: string | null;
}

export interface PlannedEvent {
  event: RecordedEvent;
  deliveries: readonly PlannedDelivery[];
  /** Covers this event by itself. */
  idempotency: IdempotencyKey | null;
}

export interface PlannedDelivery {
  id: string;
  webhookId: string;
  /** Id of the route that was decided on; absent: the webhook's own URL. */
  route?: number;
  /** It waits for company in a batch. */
  gathers?: true;
  /** The run that it goes in order with, for a webhook that keeps one; absent: it goes whenever it can. */
  run?: string;
  /** Absent: full. */
  payload?: PayloadKind;
}

export type RecordResult =
  | { kind: 'recorded'; events: readonly RecordedOutcome[] }
  | { kind: 'duplicate'; events: readonly RecordedOutcome[]; note: string | null }
  | { kind: 'conflict' };

export type RecordedOutcome =
  | { kind: 'recorded' | 'duplicate'; id: string; type: string; deliveries: number }
  | { kind: 'conflict' };

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

export interface Position {
  dueAt: number;
  seq: number;
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

export interface GatheringQuery {
  lane: Lane;
  /** Null: from the start. */
  after: Position | null;
  limit: number;
}

/** A delivery that waits for company, without its data. */
export interface GatheringMember extends Position {
  id: string;
  eventType: string;
  /** Id of the route that was decided on; null: the webhook's own URL. */
  route: number | null;
  createdAt: number;
  /** Of the event's data, as UTF-8. */
  dataBytes: number;
}

/** The members of a batch that is to be made; all of one type and route. */
export interface NewBatch {
  lane: Lane;
  /** Of the delivery, and of the event that it carries. */
  id: string;
  eventId: string;
  eventType: string;
  route: number | null;
  members: readonly Position[];
  formedAt: number;
}

/** A batch that carries on members of another one, their bodies unchanged. */
export interface SuccessorBatch {
  /** Of the delivery, and of the event that it carries. */
  id: string;
  eventId: string;
  dataText: string;
  /** Ids of its members. */
  members: readonly string[];
  formedAt: number;
  /** It goes to the webhook's fallback. */
  atFallback: boolean;
  /** Attempts of its series that the other one made. */
  attemptsUsed: number;
  /** `at once`: due as a first attempt, which nothing is that goes to the fallback. */
  start: 'at once' | { state: 'pending'; dueAt: number } | { state: 'failed'; reason: string };
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

export interface LoadedLane {
  webhook: Webhook;
  hold: Hold;
  /** By URL: all that is known, maybe also of a URL that it had. */
  destinations: ReadonlyMap<string, Destination>;
}

export interface TestRecord {
  event: RecordedEvent;
  lane: Lane;
  deliveryId: string;
  payload: PayloadKind;
  state: 'delivered' | 'failed';
  reason: string | null;
  attempt: AttemptRecord;
  destination: { url: string; value: Destination } | null;
}

/** A delivery as people see it, from the queue or from history. */
export interface Delivery {
  workspaceId: string;
  id: string;
  webhookId: string;
  eventId: string;
  eventType: string;
  runId: string | null;
  origin: DeliveryOrigin;
  /** Id of the route that was decided on when its event was published; null: the webhook's own URL. */
  route: number | null;
  /** It waits, and this one failed before it in the run that they go in order with, by id; null: there is none. */
  failedBefore: string | null;
  /** It was given up there, and goes, or went, to the webhook's fallback. */
  atFallback: boolean;
  /** As it was decided when its event was published. */
  payload: PayloadKind;
  /** `sending` is known to the lane's owner alone: the store says `pending`. */
  state: DeliveryState;
  /** The batch that it is a member of and shares the fate of; null: it is in none. */
  batch: Pick<Delivery, 'id' | 'state' | 'atFallback'> | null;
  /** Why it failed, was cancelled, or is tried again. */
  reason: string | null;
  attempts: number;
  /** HTTP status of the latest answer; null: none yet, or no answer. */
  lastStatus: number | null;
  createdAt: number;
  /** When the next attempt is due; null when terminal. */
  dueAt: number | null;
  /** When it became terminal, or its batch did; null before. */
  finishedAt: number | null;
}

export interface EventQuery {
  workspaceId: string;
  limit: number;
  /** Only events with a lower id. */
  before?: string;
  /** Absent: all types but {@link BATCH_TYPE}, whose events only carry others. */
  type?: string;
  runId?: string;
}

export interface DeliveryQuery {
  workspaceId: string;
  limit: number;
  /** Only deliveries with a lower id. */
  before?: string;
  webhookId?: string;
  eventId?: string;
  runId?: string;
  /** Members of this batch, as long as it carries their fate. */
  batchId?: string;
  state?: Exclude<DeliveryState, 'sending'>;
  status?: number;
  /** Created at this instant or later. */
  createdFrom?: number;
  /** Created before this instant. */
  createdTo?: number;
}

export interface StoreCounters {
  commits: number;
  eventsAccepted: number;
  deliveriesCreated: number;
  /** Failed or cancelled ones that were put back. */
  deliveriesPutBack: number;
  settledDelivered: number;
  settledFailed: number;
  settledRetried: number;
  settledCancelled: number;
  /** Members that went into a batch, which settles for them. */
  deliveriesBatched: number;
  /** What waits now, also from before this process opened the store. */
  pending: number;
}

/** The calls that only read, which a second connection can answer beside the writer. */
export type ReadStore = Pick<
  Directory,
  | 'findApiKey'
  | 'findReadToken'
  | 'revealReadToken'
  | 'loadWorkspace'
  | 'listWebhookVersions'
  | 'listDestinations'
  | 'listHolds'
> &
  Pick<EventLog, 'getEvent' | 'listEvents' | 'webhooksAt'> &
  Pick<History, 'getDelivery' | 'listDeliveries' | 'listAttempts'> &
  Pick<JobLog, 'getJob' | 'listJobs' | 'estimateJob'> & { close(): Promise<void> };
