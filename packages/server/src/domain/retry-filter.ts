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

function isWithin(at: number, from: number | null, to: number | null): boolean {
  return (from === null || at >= from) && (to === null || at < to);
}
