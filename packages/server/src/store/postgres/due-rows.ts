import type { DeliveryOrigin, SentClass } from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import { payloadOf } from '../rows/delivery-row.ts';
import type { QueuedDelivery } from '../store.ts';
import { withNul } from './nul-free-text.ts';

/** What a sender needs to know, of `queue q` and `events e`. */
export const DUE_COLUMNS = `
  q.seq, q.id, q.class, q.due_at, q.created_at, q.origin, q.attempts, q.series_from, q.route, q.run, q.at_fallback, q.thin,
  e.id AS event_id, e.type, e.occurred_at, e.data`;

/** A row of {@link DUE_COLUMNS}. */
export interface DueRow {
  seq: number;
  id: string;
  class: SentClass;
  due_at: number;
  created_at: number;
  origin: DeliveryOrigin;
  attempts: number;
  series_from: number;
  route: number | null;
  run: string | null;
  at_fallback: boolean;
  thin: boolean;
  event_id: string;
  type: string;
  occurred_at: number;
  data: string;
}

export function queuedFromRow(lane: Lane, row: DueRow): QueuedDelivery {
  return {
    lane,
    seq: row.seq,
    id: row.id,
    class: row.class,
    dueAt: row.due_at,
    createdAt: row.created_at,
    origin: row.origin,
    attempts: row.attempts,
    seriesFrom: row.series_from,
    route: row.route,
    run: withNul(row.run),
    atFallback: row.at_fallback,
    payload: payloadOf(row),
    event: { id: row.event_id, type: row.type, occurredAt: row.occurred_at, dataText: row.data },
  };
}
