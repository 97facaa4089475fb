import type { BuiltInType, EventData, EventType } from './catalog.ts';

/**
 * The body that a receiver gets, its keys in the order in which they are sent. `Envelope` alone is the union over the
 * catalog: switch on `event` and `data` is typed. `Envelope<'order.paid', Order>` is a custom type with data of your own.
 */
export type Envelope<T extends string = EventType, CustomData = unknown> = T extends string
  ? {
      event: T;
      /** When the event happened: ISO 8601, UTC, with milliseconds. */
      timestamp: string;
      webhook_id: string;
      /** The same over every retry: receivers tell duplicates by it. */
      delivery_id: string;
      data: T extends EventType ? EventData<T> : CustomData;
    }
  : never;

/** The `data` of a `webhook.batch` whose events are of type `T`. */
export type BatchData<T extends string = BuiltInType, CustomData = unknown> = T extends string
  ? {
      event_type: T;
      /** Length of `events`. */
      count: number;
      /** The bodies that would otherwise have come one by one, each with its own `delivery_id`. */
      events: Envelope<T, CustomData>[];
    }
  : never;

/** What {@link serializeEnvelope} puts together. */
export interface EnvelopeParts {
  /** The event type. */
  event: string;
  /** When the event happened: ISO 8601, UTC, with milliseconds. */
  timestamp: string;
  webhookId: string;
  deliveryId: string;
  /** `data` as `JSON.stringify` wrote it. Taken as it is: whatever else it holds makes a broken body. */
  dataText: string;
}

/**
 * The bytes of a body, as text. For a `dataText` that `JSON.stringify` wrote, `JSON.stringify(JSON.parse(body)) === body`:
 * a receiver that verifies a signature over the re-serialised body gets the text that was signed. Concatenates, because
 * `dataText` may be large and is kept as text: parsing it here would only give the same text again.
 */
export function serializeEnvelope({ event, timestamp, webhookId, deliveryId, dataText }: EnvelopeParts): string {
  return `{"event":${quote(event)},"timestamp":${quote(timestamp)},"webhook_id":${quote(webhookId)},"delivery_id":${quote(deliveryId)},"data":${dataText}}`;
}

/** Characters that stand for themselves within a JSON text; all that type names, ids and times are made of. */
const PLAIN = /^[\w.:+-]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
