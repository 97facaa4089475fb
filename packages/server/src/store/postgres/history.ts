import { type AttemptRow, attemptFromRow } from '../rows/attempt-row.ts';
import { deliveryFromRow, type ListedRow } from '../rows/delivery-row.ts';
import type { Delivery, DeliveryQuery, History } from '../store.ts';
import type { Reads, Value } from './database.ts';
import { firstOf } from './database.ts';
import { LASTING, SO_FAR } from './delivery-columns.ts';
import { withNul, withoutNul } from './nul-free-text.ts';

export type HistoryReads = Omit<History, 'counters'>;

const WAITING = `
  SELECT ${LASTING}, ${SO_FAR}, at_fallback, 'pending' AS state, due_at, NULL::bigint AS finished_at, NULL::text AS batch
  FROM broxi.queue`;
const ENDED = `
  SELECT ${LASTING}, ${SO_FAR}, at_fallback, state, NULL::bigint AS due_at, finished_at, batch FROM broxi.deliveries`;

/** The batch of a member `d`, wherever its row is. */
const BATCH = `
  SELECT id, 'pending' AS state, at_fallback, NULL::bigint AS finished_at
  FROM broxi.queue WHERE workspace_id = d.workspace_id AND id = d.batch
  UNION ALL
  SELECT id, state, at_fallback, finished_at FROM broxi.deliveries WHERE workspace_id = d.workspace_id AND id = d.batch`;

/** The first that failed before `d` in its run. */
const FAILED_BEFORE = `
  SELECT f.id FROM broxi.deliveries f
  WHERE f.workspace_id = d.workspace_id AND f.webhook_id = d.webhook_id AND f.run = d.run AND f.state = 'failed'
    AND f.seq < d.seq
  ORDER BY f.seq LIMIT 1`;

/** The newest of what is chosen, with what is shown of their events. */
function listed(choices: readonly string[]): string {
  const newest = choices.map((choice) => `(${choice} ORDER BY id DESC LIMIT $1)`).join(' UNION ALL ');
  return `
    SELECT d.*, e.type AS event_type, e.run_id, b.id AS batch_id, b.state AS batch_state,
      b.at_fallback AS batch_at_fallback, b.finished_at AS batch_finished_at,
      CASE WHEN d.state = 'pending' AND d.run IS NOT NULL THEN (${FAILED_BEFORE}) END AS failed_before
    FROM (SELECT * FROM (${newest}) n ORDER BY id DESC LIMIT $1) d
      JOIN broxi.events e ON e.workspace_id = d.workspace_id AND e.id = d.event_id
      LEFT JOIN LATERAL (${BATCH}) b ON true
    ORDER BY d.id DESC`;
}

export function historyReads(reads: Reads): HistoryReads {
  return {
    async getDelivery(workspaceId, deliveryId) {
      const choices = [WAITING, ENDED].map((rows) => `${rows} WHERE workspace_id = $2 AND id = $3`);
      const row = firstOf(await reads.query<ListedRow>(listed(choices), [1, workspaceId, deliveryId]));
      return row && found(row);
    },
    async listDeliveries(query) {
      const { where, values } = conditions(query);
      const { state, batchId } = query;
      // What is in a batch does not wait itself.
      const mayWait = batchId === undefined && (state === undefined || state === 'pending');
      const choices = [
        ...(mayWait ? [`${WAITING} WHERE ${where}`] : []),
        ...(state !== 'pending' ? [`${ENDED} WHERE ${where}${stateIs(state)}`] : []),
      ];
      if (choices.length === 0) return [];
      return (await reads.query<ListedRow>(listed(choices), values)).map(found);
    },
    async listAttempts(workspaceId, deliveryId) {
      const rows = await reads.query<AttemptRow>(
        'SELECT * FROM broxi.attempts WHERE workspace_id = $1 AND delivery_id = $2 ORDER BY number',
        [workspaceId, deliveryId],
      );
      return rows.map((row) => attemptFromRow({ ...row, reason: withNul(row.reason) }));
    },
  };
}

/** What both tables are asked. The first parameter is the limit. */
function conditions(query: DeliveryQuery): { where: string; values: Value[] } {
  const values: Value[] = [query.limit, query.workspaceId];
  const all = ['workspace_id = $2'];
  const add = (value: Value | undefined, text: (parameter: string) => string) => {
    if (value === undefined) return;
    values.push(value);
    all.push(text(`$${values.length}`));
  };
  add(query.before, (before) => `id < ${before}`);
  add(query.webhookId, (webhookId) => `webhook_id = ${webhookId}`);
  add(query.eventId, (eventId) => `event_id = ${eventId}`);
  add(
    query.runId === undefined ? undefined : withoutNul(query.runId),
    (runId) => `event_id IN (SELECT id FROM broxi.events WHERE workspace_id = $2 AND run_id = ${runId})`,
  );
  add(query.batchId, (batchId) => `batch = ${batchId}`);
  add(query.status, (status) => `last_status = ${status}`);
  add(query.createdFrom, (from) => `created_at >= ${from}`);
  add(query.createdTo, (to) => `created_at < ${to}`);
  return { where: all.join(' AND '), values };
}

/** One of the states that {@link DeliveryQuery} names, never what somebody wrote. */
function stateIs(state: DeliveryQuery['state']): string {
  return state === undefined ? '' : ` AND state = '${state}'`;
}

function found(row: ListedRow): Delivery {
  return deliveryFromRow({ ...row, run_id: withNul(row.run_id), reason: withNul(row.reason) });
}
