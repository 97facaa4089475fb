import type { Lane } from '../../domain/webhook.ts';
import { type DueRow, queuedFromRow } from '../rows/due-row.ts';
import type { QueuedDelivery } from '../store.ts';
import { withNul } from './nul-free-text.ts';

/** The columns of a {@link DueRow}, of `queue q` and `events e`. */
export const DUE_COLUMNS = `
  q.seq, q.id, q.class, q.due_at, q.created_at, q.origin, q.attempts, q.series_from, q.route, q.run, q.at_fallback, q.thin,
  e.id AS event_id, e.type, e.occurred_at, e.data`;

export function queuedFromDueRow(lane: Lane, row: DueRow): QueuedDelivery {
  return queuedFromRow(lane, { ...row, run: withNul(row.run) });
}
