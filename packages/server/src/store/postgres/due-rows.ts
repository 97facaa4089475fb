import type { Lane } from '../../domain/webhook.ts';
import { type DueRow, queuedFromRow } from '../rows/due-row.ts';
import type { QueuedDelivery } from '../store.ts';
import { eventsById } from './by-id.ts';
import type { Query } from './database.ts';
import { withNul } from './nul-free-text.ts';

/** A {@link DueRow} without its event; null: it is no head of its run, and goes without. */
export type WaitingRow = Omit<DueRow, 'event_id' | 'type' | 'occurred_at' | 'data'> & { event_id: string | null };

/** The columns of a {@link WaitingRow}, of `queue q`, but for the id of its event. */
export const WAITING_COLUMNS =
  'q.seq, q.id, q.class, q.due_at, q.created_at, q.origin, q.attempts, q.series_from, q.route, q.run, q.at_fallback, q.thin';

/** Those of a lane that have an event, with that. */
export async function withEvents(query: Query, lane: Lane, rows: readonly WaitingRow[]): Promise<QueuedDelivery[]> {
  const ids = rows.flatMap(({ event_id: id }) => (id === null ? [] : [id]));
  const { workspaceId } = lane;
  const events = await eventsById<EventRow>(query, 'type, occurred_at, data', { workspaceId, ids });
  return rows.flatMap((row) => {
    const event = row.event_id === null ? undefined : events.get(row.event_id);
    if (event === undefined) return [];
    return [queuedFromRow(lane, { ...row, ...event, id: row.id, event_id: event.id, run: withNul(row.run) })];
  });
}

type EventRow = Pick<DueRow, 'id' | 'type' | 'occurred_at' | 'data'>;
