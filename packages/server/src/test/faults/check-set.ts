import type { Publication } from './load.ts';
import type { Reception } from './receiver.ts';

/** What producers and receivers saw, to be compared once nothing is owed any more. */
export interface History {
  publications: Iterable<Pick<Publication, 'key' | 'eventIds' | 'acknowledgedIn' | 'refusedWith'>>;
  receptions: Iterable<Reception>;
  /** Every event is owed to each of them. */
  webhookIds: readonly string[];
  /** Requests that a receiver could not verify. */
  unverified: readonly string[];
}

export interface SetReport {
  sent: number;
  acknowledged: number;
  /** Sent, and neither acknowledged nor refused: may be received or not. */
  inDoubt: number;
  inDoubtReceived: number;
  /** Deliveries that were received at least once. */
  deliveries: number;
  /** Requests beyond the first of a delivery. */
  duplicates: number;
  /** Deliveries of events that were acknowledged before a kill and received after it. */
  recovered: number;
  /** One sentence each, about what must never be. */
  breaches: string[];
}

/**
 * Compares what was sent with what was received, like Jepsen's set test. What was acknowledged must be received by every
 * webhook; nothing may be received that was not sent, or was refused; one event has one id, and one delivery per webhook,
 * whose bytes never change.
 */
export function checkSet({ publications, receptions, webhookIds, unverified }: History): SetReport {
  const report: SetReport = {
    sent: 0,
    acknowledged: 0,
    inDoubt: 0,
    inDoubtReceived: 0,
    deliveries: 0,
    duplicates: 0,
    recovered: 0,
    breaches: unverified.map((reason) => `a request could not be verified: ${reason}`),
  };
  const { breaches } = report;
  const receivedByKey = new Map<string, Reception[]>();
  for (const reception of receptions) {
    const { key, deliveryId, times, altered } = reception;
    receivedByKey.set(key, [...(receivedByKey.get(key) ?? []), reception]);
    report.deliveries += 1;
    report.duplicates += times - 1;
    if (altered) breaches.push(`altered: ${deliveryId} came with other bytes the second time`);
  }
  for (const publication of publications) {
    const { key, acknowledgedIn, refusedWith } = publication;
    const received = receivedByKey.get(key) ?? [];
    receivedByKey.delete(key);
    breaches.push(...ambiguities(publication, received));
    report.sent += 1;
    if (acknowledgedIn !== null) {
      report.acknowledged += 1;
      for (const webhookId of webhookIds) {
        const reception = received.find((candidate) => candidate.webhookId === webhookId);
        if (reception === undefined) breaches.push(`lost: ${key} was acknowledged and never came to ${webhookId}`);
        else if (reception.firstIn > acknowledgedIn) report.recovered += 1;
      }
    } else if (refusedWith === null) {
      report.inDoubt += 1;
      if (received.length > 0) report.inDoubtReceived += 1;
    } else if (received.length > 0) {
      breaches.push(`unexpected: ${key} was refused with ${refusedWith} and received`);
    }
  }
  for (const key of receivedByKey.keys()) breaches.push(`unexpected: ${key} was received and never sent`);
  return report;
}

/** One event under two ids, or owed twice to one webhook. */
function ambiguities(publication: { key: string; eventIds: Set<string> }, received: readonly Reception[]): string[] {
  const found: string[] = [];
  const eventIds = new Set([...publication.eventIds, ...received.map(({ eventId }) => eventId)]);
  if (eventIds.size > 1) found.push(`doubled: ${publication.key} became the events ${[...eventIds].join(', ')}`);
  const byWebhook = Map.groupBy(received, ({ webhookId }) => webhookId);
  for (const [webhookId, deliveries] of byWebhook) {
    if (deliveries.length < 2) continue;
    const ids = deliveries.map(({ deliveryId }) => deliveryId).join(', ');
    found.push(`doubled: ${publication.key} came to ${webhookId} as ${ids}`);
  }
  return found;
}

/** How many breaches are of this kind: `lost`, `doubled`, … */
export function countOf({ breaches }: Pick<SetReport, 'breaches'>, kind: string): number {
  return breaches.filter((breach) => breach.startsWith(`${kind}: `)).length;
}
