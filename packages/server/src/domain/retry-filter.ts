import type { AttemptRecord } from './attempt.ts';
import { evidenceOf } from './circuit.ts';
import type { KnownChange } from './webhook.ts';

/** Which of the deliveries that came to no good end are to be tried again. A field that is null does not select. */
export interface RetryFilter {
  state: 'failed' | 'cancelled';
  webhookId: string | null;
  eventType: string | null;
  runId: string | null;
  /** HTTP status of the latest answer. */
  status: number | null;
  /** Owed at this instant or later; milliseconds since the epoch, as all of them. */
  createdFrom: number | null;
  /** Owed before this instant. */
  createdTo: number | null;
  /** Failed or cancelled at this instant or later. */
  finishedFrom: number | null;
  /** Failed or cancelled before this instant. */
  finishedTo: number | null;
  /** Only what {@link failedByOutage}; absent: does not select. */
  byOutage?: true;
  /** Only what did so at this URL, by its last attempt there; absent: by its last attempt. */
  outageOf?: string;
}

/** Everything that failed. */
export const ALL_FAILED: RetryFilter = {
  state: 'failed',
  webhookId: null,
  eventType: null,
  runId: null,
  status: null,
  createdFrom: null,
  createdTo: null,
  finishedFrom: null,
  finishedTo: null,
};

/** What a filter looks at. */
export interface EndedDelivery {
  webhookId: string;
  state: string;
  origin: string;
  eventType: string;
  runId: string | null;
  lastStatus: number | null;
  createdAt: number;
  finishedAt: number | null;
}

/** Whether a delivery is meant. A test never is: it is not sent again. */
export function retryFilterMatches(filter: RetryFilter, delivery: EndedDelivery): boolean {
  return (
    delivery.origin !== 'test' &&
    delivery.state === filter.state &&
    (filter.webhookId === null || delivery.webhookId === filter.webhookId) &&
    (filter.eventType === null || delivery.eventType === filter.eventType) &&
    (filter.runId === null || delivery.runId === filter.runId) &&
    (filter.status === null || delivery.lastStatus === filter.status) &&
    isWithin(delivery.createdAt, filter.createdFrom, filter.createdTo) &&
    delivery.finishedAt !== null &&
    isWithin(delivery.finishedAt, filter.finishedFrom, filter.finishedTo)
  );
}

/** Whether a delivery failed by an outage, as an attempt shows that was its last one there: no retry was left, and the receiver is to blame. */
export function failedByOutage({ outcome, exchanges }: Pick<AttemptRecord, 'outcome' | 'exchanges'>): boolean {
  const last = exchanges.at(-1);
  return outcome === 'retryable' && last !== undefined && evidenceOf(last.result) === 'counted_failure';
}

/**
 * Pure: what a webhook lost to the outage that ended just now; null: none did. An outage ends when the circuit is open no more,
 * and began with the first attempt after the last success, or when the circuit opened, whichever was first. What another
 * destination of the webhook lost is not meant; what the fallback did not take either is.
 */
export function lostToOutage(webhookId: string, { url, before, after }: KnownChange): RetryFilter | null {
  if (before.circuit.state !== 'open' || after.circuit.state === 'open') return null;
  const finishedFrom = Math.min(before.circuit.since, before.failing?.since ?? before.circuit.since);
  return { ...ALL_FAILED, webhookId, finishedFrom, byOutage: true, outageOf: url };
}

function isWithin(at: number, from: number | null, to: number | null): boolean {
  return (from === null || at >= from) && (to === null || at < to);
}
