import { type DueRow, isHead, type LookedAtRow } from '../rows/due-row.ts';
import type { DeliveryQueue } from '../store.ts';
import { textArray } from './array-parameter.ts';
import type { Reads } from './database.ts';
import { DUE_COLUMNS, queuedFromDueRow } from './due-rows.ts';
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
 * Parameters: lane, class, position, due by, `block` or `skip`, limit. A row for every delivery that is looked at, in order, up
 * to so many heads; those that are no heads have no event.
 */
const PAGE = `
  SELECT ${DUE_COLUMNS}
  FROM (
    SELECT looked_at.*, count(*) FILTER (WHERE is_head) OVER (ORDER BY due_at, seq) AS heads
    FROM (
      SELECT q.*, q.run IS NULL OR NOT (${WAITS_BEFORE} OR ($7 = 'block' AND ${FAILED_BEFORE})) AS is_head
      FROM broxi.queue q
      WHERE workspace_id = $1 AND webhook_id = $2 AND class = $3 AND (due_at, seq) > ($4, $5) AND due_at <= $6
      ORDER BY due_at, seq LIMIT ${MOST_LOOKED_AT}
    ) looked_at
  ) q LEFT JOIN broxi.events e ON q.is_head AND e.workspace_id = $1 AND e.id = q.event_id
  WHERE q.heads < $8 OR (q.heads = $8 AND q.is_head)
  ORDER BY q.due_at, q.seq`;

/** Parameters: lane, runs, due by, `block` or `skip`. The head of each run, if it is due. */
const OF_RUNS = `
  SELECT ${DUE_COLUMNS}
  FROM unnest($3::text[]) r (run)
    CROSS JOIN LATERAL (
      SELECT * FROM broxi.queue h WHERE h.workspace_id = $1 AND h.webhook_id = $2 AND h.run = r.run ORDER BY h.seq LIMIT 1
    ) q
    JOIN broxi.events e ON e.workspace_id = $1 AND e.id = q.event_id
  WHERE q.due_at <= $4 AND NOT ($5 = 'block' AND ${FAILED_BEFORE})`;

/** What a lane that keeps the order of runs is read by. */
export function headReads(reads: Reads): Pick<DeliveryQueue, 'readHeads' | 'headsOf'> {
  return {
    async readHeads({ lane, class: deliveryClass, after, dueBy, limit, onExhausted }) {
      const { dueAt, seq } = after ?? { dueAt: -1, seq: 0 };
      const values = [lane.workspaceId, lane.webhookId, deliveryClass, dueAt, seq, dueBy, onExhausted, limit];
      const rows = await reads.query<LookedAtRow>(PAGE, values);
      const heads = rows.filter(isHead).map((row) => queuedFromDueRow(lane, row));
      const last = rows.at(-1);
      const through = last === undefined ? null : { dueAt: last.due_at, seq: last.seq };
      return { heads, through, hasMore: heads.length === limit || rows.length === MOST_LOOKED_AT };
    },
    async headsOf({ lane, runs, onExhausted, dueBy }) {
      const names = textArray(runs.map((run) => withoutNul(run)));
      const values = [lane.workspaceId, lane.webhookId, names, dueBy, onExhausted];
      return (await reads.query<DueRow>(OF_RUNS, values)).map((row) => queuedFromDueRow(lane, row));
    },
  };
}
