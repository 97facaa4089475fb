import { deliveryBody } from './delivery-body.ts';
import { type FieldReader, isPlainObject } from './field-reader.ts';

/** The type of the event that carries the members of a batch. */
export const BATCH_TYPE = 'webhook.batch';

/** The largest body of a batch; one member may be larger by itself. */
export const MAX_BATCH_BYTES = 1024 * 1024;

/** Events of one type and route wait for each other, until there are `size` of them or the first has waited for `timeout`. */
export interface BatchConfig {
  /** 2 to 1,000. */
  size: number;
  /** Seconds, 1 to 3,600. */
  timeout: number;
}

/** Reads `batch`: an object, of which `size` is 10 and `timeout` 30 unless they are given. Default null: events go one by one. */
export function readBatch(fields: FieldReader): BatchConfig | null {
  const value = fields.value('batch');
  if (value === undefined) return null;
  const given = fields.object('batch');
  if (!isPlainObject(value)) return null;
  given.refuseUnknown(['size', 'timeout']);
  return {
    size: given.number('size', { fallback: 10, min: 2, max: 1_000, integer: true }),
    timeout: given.duration('timeout', { fallback: 30, min: 1, max: 3_600 }),
  };
}

/**
 * The `data` of a batch, as text.
 * @param bodies of its members, as each would have been sent by itself
 */
export function batchDataText(eventType: string, bodies: readonly string[]): string {
  return `{"event_type":${JSON.stringify(eventType)},"count":${bodies.length},"events":[${bodies.join(',')}]}`;
}

/** One member of a batch, as the batch carries it. */
export interface BatchMember {
  /** Of its delivery. */
  id: string;
  body: string;
}

/**
 * What a batch carries, in order.
 * @param dataText of its event. Bodies come out as they went in: a body is what `JSON.stringify` makes of it
 */
export function readBatchData(dataText: string): { eventType: string; members: BatchMember[] } {
  const data = JSON.parse(dataText) as { event_type: string; events: { delivery_id: string }[] };
  const members = data.events.map((event) => ({ id: event.delivery_id, body: JSON.stringify(event) }));
  return { eventType: data.event_type, members };
}

/** What a batch takes beside its members, in bytes; at most so much for any number of them. */
export function bytesAroundMembers(eventType: string, webhookId: string): number {
  const event = { type: BATCH_TYPE, occurredAt: 0, dataText: batchDataText(eventType, []) };
  const digitsOfCount = String(1_000).length - 1;
  return Buffer.byteLength(deliveryBody({ webhookId, deliveryId: LONGEST_ID, event, payload: 'full' })) + digitsOfCount;
}

/** What a member takes in a batch, in bytes, the comma behind it included; at most so much if it is thin. */
export function bytesOfMember(
  { id, eventType, dataBytes }: { id: string; eventType: string; dataBytes: number },
  webhookId: string,
): number {
  const event = { type: eventType, occurredAt: 0, dataText: '' };
  return Buffer.byteLength(deliveryBody({ webhookId, deliveryId: id, event, payload: 'full' })) + dataBytes + 1;
}

const LONGEST_ID = `del_${'0'.repeat(32)}`;
