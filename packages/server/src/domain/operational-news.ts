import type { EventData, OperationalType } from '@broxi/events';
import { type AttemptRecord, lastStatusOf } from './attempt.ts';
import { BATCH_TYPE } from './batch.ts';
import type { NextStep } from './delivery.ts';
import type { RecordedEvent } from './event.ts';
import type { DisabledReason } from './hold.ts';
import type { Destination } from './webhook.ts';

/** What an outcome can bring about. The other two types of the catalog that only the platform sends are no news of anything. */
type NewsType = Exclude<OperationalType, 'webhook.test' | 'webhook.batch'>;

/** An operational event before it is recorded: that something became of a webhook or a delivery. */
export type OperationalNews = { [Type in NewsType]: { type: Type; data: EventData<Type> } }[NewsType];

const NEWS_TYPES: Readonly<Record<NewsType, true>> = {
  'webhook.disabled': true,
  'webhook.circuit.opened': true,
  'webhook.circuit.closed': true,
  'delivery.exhausted': true,
};

/** Whether events of this type tell of webhooks and deliveries. What becomes of them is never told, or that would have no end. */
export function isNews(type: string): boolean {
  return Object.hasOwn(NEWS_TYPES, type);
}

/** What {@link newsOf} looks at: an attempt, and what it changed on disk. Instants are milliseconds since the epoch. */
export interface Written {
  webhookId: string;
  delivery: { id: string; event: Pick<RecordedEvent, 'id' | 'type'> };
  attempt: AttemptRecord;
  /** What becomes of the delivery. */
  next: NextStep | null;
  /** What was known about the destination before and after; null: nothing new was learned. */
  destination: { before: Destination; after: Destination } | null;
  /** The attempt disabled the webhook, which was not disabled before. */
  disabled: { reason: DisabledReason; at: number } | null;
}

/** Pure: what is to be told of an outcome, nearly always nothing. An open circuit is closed by the first probe that is answered. */
export function newsOf({ webhookId, delivery, attempt, next, destination, disabled }: Written): OperationalNews[] {
  const wasOpen = destination?.before.circuit.state === 'open';
  const isOpen = destination?.after.circuit.state === 'open';
  if ((next?.state !== 'failed' && wasOpen === isOpen && disabled === null) || isNews(delivery.event.type)) return [];
  const status = lastStatusOf(attempt);
  const answer = status !== null && { status_code: status };
  const about = { webhook_id: webhookId, destination: new URL(attempt.url).origin };
  const endedAt = isoTime(attempt.startedAt + attempt.durationMs);
  const news: OperationalNews[] = [];
  if (next?.state === 'failed') {
    const { id: delivery_id, event } = delivery;
    const carried = { delivery_id, event_type: event.type, ...(event.type !== BATCH_TYPE && { event_id: event.id }) };
    const ended = { attempts: attempt.number, failed_at: endedAt, reason: next.reason, ...answer };
    news.push({ type: 'delivery.exhausted', data: { webhook_id: webhookId, ...carried, ...ended } });
  }
  const { before, after } = destination ?? {};
  if (after?.circuit.state === 'open' && !wasOpen) {
    const times = { opened_at: isoTime(after.circuit.since), next_probe_at: isoTime(after.circuit.nextProbeAt) };
    news.push({ type: 'webhook.circuit.opened', data: { ...about, ...times, ...answer } });
  }
  if (before?.circuit.state === 'open' && !isOpen) {
    const times = { opened_at: isoTime(before.circuit.since), closed_at: endedAt };
    news.push({ type: 'webhook.circuit.closed', data: { ...about, ...times } });
  }
  if (disabled !== null) {
    const { reason, at } = disabled;
    const failing = after?.failing ?? null;
    const streak = failing && { attempts: failing.attempts, failing_since: isoTime(failing.since) };
    const data = { ...about, reason, disabled_at: isoTime(at), ...answer, ...streak };
    news.push({ type: 'webhook.disabled', data });
  }
  return news;
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
