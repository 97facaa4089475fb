import type { DatabaseSync } from 'node:sqlite';
import { type DueRow, isHead, type LookedAtRow, queuedFromRow } from '../rows/due-row.ts';
import type { DeliveryQueue, HeadsQuery, HeadsRead, Position, QueuedDelivery, RunsQuery } from '../store.ts';
import { DUE_COLUMNS } from './due-columns.ts';
import type { RowNumbers } from './row-numbers.ts';

/** The condition of the index `deliveries_in_order`, word for word: without it SQLite does not use it. */
export const IN_ORDER = (table: string) => `${table}.run IS NOT NULL AND ${table}.state IN ('pending', 'failed')`;

/** Deliveries that one read looks at, most of which may stand behind the head of a long run. */
const MOST_LOOKED_AT = 500;

/** The statements that read what goes in order. They find the head of a run in the index, however much waits behind it. */
export const HEAD_QUERIES = {
  /**
   * Parameters: lane, class, position, due by, last `seq` on disk, `block` or `skip`. A row for every delivery that is
   * looked at, in order; those that are no heads have no event.
   */
  page: `
    SELECT ${DUE_COLUMNS}
    FROM queue q JOIN deliveries d ON d.seq = q.delivery
    LEFT JOIN events e ON e.seq = d.event AND (d.run IS NULL OR NOT (${isBehind('pending')} OR (:onExhausted = 'block' AND ${isBehind('failed')})))
    WHERE q.lane = :lane AND q.class = :class AND (q.due_at, q.delivery) > (:dueAt, :seq) AND q.due_at <= :dueBy
      AND q.delivery <= :last
    ORDER BY q.due_at, q.delivery LIMIT ${MOST_LOOKED_AT}`,
  /** Parameters: lane, run, due by, last `seq` on disk, `block` or `skip`. The head of a run, if it is due; or nothing. */
  ofRun: `
    SELECT ${DUE_COLUMNS}
    FROM deliveries d JOIN queue q ON q.lane = d.lane AND q.class = d.class AND q.due_at = d.due_at AND q.delivery = d.seq
    JOIN events e ON e.seq = d.event
    WHERE d.seq = (
        SELECT h.seq FROM deliveries h WHERE h.lane = :lane AND h.run = :run AND h.state = 'pending' AND ${IN_ORDER('h')}
        ORDER BY h.seq LIMIT 1)
      AND d.due_at <= :dueBy AND d.seq <= :last AND NOT (:onExhausted = 'block' AND ${isBehind('failed')})`,
} as const;

/** Whether one in this state stands before `d` in its run. */
function isBehind(state: 'pending' | 'failed'): string {
  return `EXISTS (SELECT 1 FROM deliveries b
      WHERE b.lane = d.lane AND b.run = d.run AND b.state = '${state}' AND b.seq < d.seq AND ${IN_ORDER('b')})`;
}

export function headReads(options: {
  database: DatabaseSync;
  numbers: RowNumbers;
  lastSeqOnDisk: () => number;
}): Pick<DeliveryQueue, 'readHeads' | 'headsOf'> {
  const { database, numbers, lastSeqOnDisk } = options;
  const page = database.prepare(HEAD_QUERIES.page);
  const ofRun = database.prepare(HEAD_QUERIES.ofRun);

  const readHeads = ({ lane, class: deliveryClass, after, dueBy, limit, onExhausted }: HeadsQuery): HeadsRead => {
    const from = after ?? { dueAt: -1, seq: 0 };
    const bounds = { ...from, dueBy, last: lastSeqOnDisk() };
    const rows = page.iterate({ lane: numbers.findLane(lane), class: deliveryClass, onExhausted, ...bounds });
    const heads: QueuedDelivery[] = [];
    let through: Position | null = null;
    let lookedAt = 0;
    for (const row of rows as Iterable<unknown> as Iterable<LookedAtRow>) {
      lookedAt += 1;
      through = { dueAt: row.due_at, seq: row.seq };
      if (isHead(row)) heads.push(queuedFromRow(lane, row));
      if (heads.length === limit) break;
    }
    return { heads, through, hasMore: heads.length === limit || lookedAt === MOST_LOOKED_AT };
  };

  const headOf = (run: string, { lane, onExhausted, dueBy }: RunsQuery): QueuedDelivery | null => {
    const row = ofRun.get({ lane: numbers.findLane(lane), run, onExhausted, dueBy, last: lastSeqOnDisk() });
    return row === undefined ? null : queuedFromRow(lane, row as unknown as DueRow);
  };

  return {
    readHeads: async (query) => readHeads(query),
    headsOf: async (query) => query.runs.flatMap((run) => headOf(run, query) ?? []),
  };
}
