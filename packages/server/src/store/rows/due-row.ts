import type { DeliveryOrigin, SentClass } from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { QueuedDelivery } from '../store.ts';
import { payloadOf, type Thin } from './delivery-row.ts';

/** A delivery that waits, with what a sender needs to know of it and of its event. */
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
  at_fallback: boolean | 0 | 1;
  thin: Thin;
  event_id: string;
  type: string;
  occurred_at: number;
  data: string;
}

/** A row for a delivery that was looked at in the order of runs: one that is no head comes without its event. */
export type LookedAtRow = DueRow | (Omit<DueRow, 'event_id'> & { event_id: null });

export function isHead(row: LookedAtRow): row is DueRow {
  return row.event_id !== null;
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
    run: row.run,
    atFallback: Boolean(row.at_fallback),
    payload: payloadOf(row),
    event: { id: row.event_id, type: row.type, occurredAt: row.occurred_at, dataText: row.data },
  };
}
