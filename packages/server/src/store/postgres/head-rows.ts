import type { OnExhausted } from '../../domain/ordering.ts';
import type { DeliveryQueue } from '../store.ts';
import { textArray } from './array-parameter.ts';
import type { Reads } from './database.ts';
import { WAITING_COLUMNS, type WaitingRow, withEvents } from './due-rows.ts';
import { withoutNul } from './nul-free-text.ts';

/** Deliveries that one read looks at, most of which may stand behind the head of a long run. */
const MOST_LOOKED_AT = 500;

/** Whether one of the run of `q` stands before it and waits; found in an index, however much waits behind. */
const WAITS_BEFORE = `EXISTS (
  SELECT 1 FROM broxi.queue b
  WHERE b.workspace_id = $1 AND b.webhook_id = $2 AND b.run = q.run AND b.seq < q.seq)`;

/** Whether one of the run of `q` stands before it and failed. */
const FAILED_BEFORE = `EXISTS (
  SELECT 1 FROM broxi.deliveries b
  WHERE b.workspace_id = $1 AND b.webhook_id = $2 AND b.run = q.run AND b.run IS NOT NULL AND b.state = 'failed'
    AND b.seq < q.seq)`;

/**
 * Parameters: lane, class, position, due by, limit. Result: a row for every delivery that is looked at, in order, up
 * to so many heads; those that are no heads have no event.
 */
const page = (onExhausted: OnExhausted) => `
  SELECT ${WAITING_COLUMNS}, CASE WHEN q.is_head THEN q.event_id END AS event_id
  FROM (
    SELECT looked_at.*, count(*) FILTER (WHERE is_head) OVER (ORDER BY due_at, seq) AS heads
    FROM (
      SELECT q.*, q.run IS NULL OR NOT (${blocked(onExhausted).join(' OR ')}) AS is_head
      FROM broxi.queue q
      WHERE workspace_id = $1 AND webhook_id = $2 AND class = $3 AND (due_at, seq) > ($4, $5) AND due_at <= $6
      ORDER BY due_at, seq LIMIT ${MOST_LOOKED_AT}
    ) looked_at
  ) q
  WHERE q.heads < $7 OR (q.heads = $7 AND q.is_head)
  ORDER BY q.due_at, q.seq`;

/** Parameters: lane, runs, due by. The head of each run, if it is due. */
const ofRuns = (onExhausted: OnExhausted) => `
  SELECT ${WAITING_COLUMNS}, q.event_id
  FROM unnest($3::text[]) r (run)
    CROSS JOIN LATERAL (
      SELECT * FROM broxi.queue h WHERE h.workspace_id = $1 AND h.webhook_id = $2 AND h.run = r.run ORDER BY h.seq LIMIT 1
    ) q
  WHERE q.due_at <= $4${onExhausted === 'block' ? ` AND NOT ${FAILED_BEFORE}` : ''}`;

/** What keeps one from being the head of its run. Failures are looked for, in all of history, where they count. */
function blocked(onExhausted: OnExhausted): string[] {
  return onExhausted === 'block' ? [WAITS_BEFORE, FAILED_BEFORE] : [WAITS_BEFORE];
}

/** What a lane that keeps the order of runs is read by. */
export function headReads(reads: Reads): Pick<DeliveryQueue, 'readHeads' | 'headsOf'> {
  return {
    async readHeads({ lane, class: deliveryClass, after, dueBy, limit, onExhausted }) {
      const { dueAt, seq } = after ?? { dueAt: -1, seq: 0 };
      const values = [lane.workspaceId, lane.webhookId, deliveryClass, dueAt, seq, dueBy, limit];
      const rows = await reads.query<WaitingRow>(page(onExhausted), values);
      const heads = await withEvents(reads.query, lane, rows);
      const last = rows.at(-1);
      const through = last === undefined ? null : { dueAt: last.due_at, seq: last.seq };
      return { heads, through, hasMore: heads.length === limit || rows.length === MOST_LOOKED_AT };
    },
    async headsOf({ lane, runs, onExhausted, dueBy }) {
      const names = textArray(runs.map((run) => withoutNul(run)));
      const values = [lane.workspaceId, lane.webhookId, names, dueBy];
      return await withEvents(reads.query, lane, await reads.query<WaitingRow>(ofRuns(onExhausted), values));
    },
  };
}
