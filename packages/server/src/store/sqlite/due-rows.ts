import type { DeliveryOrigin, SentClass } from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import { payloadOf } from '../rows/delivery-row.ts';
import type { QueuedDelivery } from '../store.ts';
import type { DeliveryRow } from './delivery-rows.ts';

/** What a sender needs to know, of `queue q`, `deliveries d` and `events e`. */
export const DUE_COLUMNS = `
  q.delivery, q.class, q.due_at, d.id, d.created_at, d.origin, d.attempts, d.series_from, d.route, d.run,
  d.at_fallback, d.thin,
  e.id AS event_id, e.type, e.occurred_at, e.data`;

/** A row of {@link DUE_COLUMNS}. */
export interface DueRow {
  delivery: number;
  id: string;
  class: SentClass;
  due_at: number;
  created_at: number;
  origin: DeliveryOrigin;
  attempts: number;
  series_from: number;
  route: number | null;
  run: string | null;
  at_fallback: 0 | 1;
  thin: DeliveryRow['thin'];
  event_id: string;
  type: string;
  occurred_at: number;
  data: string;
}

export function queuedFromRow(lane: Lane, row: DueRow): QueuedDelivery {
  return {
    lane,
    seq: row.delivery,
    id: row.id,
    class: row.class,
    dueAt: row.due_at,
    createdAt: row.created_at,
    origin: row.origin,
    attempts: row.attempts,
    seriesFrom: row.series_from,
    route: row.route,
    run: row.run,
    atFallback: row.at_fallback === 1,
    payload: payloadOf(row),
    event: { id: row.event_id, type: row.type, occurredAt: row.occurred_at, dataText: row.data },
  };
}
