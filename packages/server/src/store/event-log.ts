import type { AttemptRecord } from '../domain/attempt.ts';
import type { PayloadKind } from '../domain/delivery.ts';
import type { RecordedEvent } from '../domain/event.ts';
import type { Destination, Lane, Webhook } from '../domain/webhook.ts';

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

export interface EventQuery {
  workspaceId: string;
  limit: number;
  /** Only events with a lower id. */
  before?: string;
  /** Absent: all types but {@link BATCH_TYPE}, whose events only carry others. */
  type?: string;
  runId?: string;
}
