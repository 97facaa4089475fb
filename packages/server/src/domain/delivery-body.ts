import { serializeEnvelope } from '@broxi/events/envelope';
import type { PayloadKind } from './delivery.ts';
import type { RecordedEvent } from './event.ts';
import { thinDataText } from './thin-data.ts';

/** What a body is made of. */
export interface BodyParts {
  webhookId: string;
  deliveryId: string;
  event: Pick<RecordedEvent, 'type' | 'occurredAt' | 'dataText'>;
  payload: PayloadKind;
}

/** The body of a delivery: the same bytes at every attempt, and whenever somebody looks at it. */
export function deliveryBody({ webhookId, deliveryId, event, payload }: BodyParts): string {
  return serializeEnvelope({
    event: event.type,
    timestamp: new Date(event.occurredAt).toISOString(),
    webhookId,
    deliveryId,
    dataText: payload === 'thin' ? thinDataText(event.type, event.dataText) : event.dataText,
  });
}
