import { serializeEnvelope } from '@broxi/events/envelope';
import type { RecordedEvent } from './event.ts';

/** The body of a delivery: the same bytes at every attempt, and wherever it is shown. */
export function deliveryBody(delivery: {
  webhookId: string;
  deliveryId: string;
  event: Pick<RecordedEvent, 'type' | 'occurredAt' | 'dataText'>;
}): string {
  const { webhookId, deliveryId, event } = delivery;
  return serializeEnvelope({
    event: event.type,
    timestamp: new Date(event.occurredAt).toISOString(),
    webhookId,
    deliveryId,
    dataText: event.dataText,
  });
}
