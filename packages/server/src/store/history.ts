import type { AttemptRecord } from '../domain/attempt.ts';
import type { DeliveryOrigin, DeliveryState, PayloadKind } from '../domain/delivery.ts';

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
