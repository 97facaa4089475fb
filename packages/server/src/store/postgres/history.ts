import { type AttemptRow, attemptFromRow } from '../rows/attempt-row.ts';
import { deliveryFromRow, type ListedRow } from '../rows/delivery-row.ts';
import type { Delivery, DeliveryQuery, History } from '../store.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import { eventsById, IS_ONE_OF, oneOf } from './by-id.ts';
import { firstOf, type Query, type Reads, type Value } from './database.ts';
import { LASTING, SO_FAR } from './delivery-columns.ts';
import { withNul, withoutNul } from './nul-free-text.ts';

export type HistoryReads = Omit<History, 'counters'>;

const WAITING = `
  SELECT ${LASTING}, ${SO_FAR}, at_fallback, 'pending' AS state, due_at, NULL::bigint AS finished_at, NULL::text AS batch
  FROM broxi.queue`;
const ENDED = `
  SELECT ${LASTING}, ${SO_FAR}, at_fallback, state, NULL::bigint AS due_at, finished_at, batch FROM broxi.deliveries`;

/** Batches, wherever their rows are. */
const BATCHES = `
  SELECT id, 'pending' AS state, at_fallback, NULL::bigint AS finished_at FROM broxi.queue WHERE ${IS_ONE_OF}
  UNION ALL
  SELECT id, state, at_fallback, finished_at FROM broxi.deliveries WHERE ${IS_ONE_OF}`;

/** Parameters: workspace, then arrays of ids, webhooks, runs and places. Result: the first that failed before each in its run. */
const FAILED_BEFORE = `
  SELECT d.id, f.id AS failed_before
  FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS d (id, webhook_id, run, seq)
    CROSS JOIN LATERAL (
      SELECT id FROM broxi.deliveries
      WHERE workspace_id = $1 AND webhook_id = d.webhook_id AND run = d.run AND state = 'failed' AND seq < d.seq
      ORDER BY seq LIMIT 1
    ) f`;

export function historyReads(reads: Reads): HistoryReads {
  const { query } = reads;

  /** The newest of what is chosen. What else is shown of them is read for those alone. */
  const list = async (choices: readonly string[], values: readonly Value[]): Promise<Delivery[]> => {
    const newest = choices.map((choice) => `(${choice} ORDER BY id DESC LIMIT $1)`).join(' UNION ALL ');
    const rows = await query<OwnRow>(`SELECT * FROM (${newest}) d ORDER BY id DESC LIMIT $1`, values);
    const [workspaceId] = rows.map((row) => row.workspace_id);
    if (workspaceId === undefined) return [];
    const [events, batches, failed] = await Promise.all([
      eventsById<EventRow>(query, 'type, run_id', { workspaceId, ids: rows.map((row) => row.event_id) }),
      batchesOf(query, workspaceId, rows),
      failedBefore(query, workspaceId, rows),
    ]);
    return rows.flatMap((row) => {
      const event = events.get(row.event_id);
      // Removed since its delivery was read.
      if (event === undefined) return [];
      const batch = row.batch === null ? undefined : batches.get(row.batch);
      const { type: event_type, run_id } = event;
      return [found({ ...row, event_type, run_id, ...(batch ?? NO_BATCH), failed_before: failed.get(row.id) ?? null })];
    });
  };

  return {
    async getDelivery(workspaceId, deliveryId) {
      const choices = [WAITING, ENDED].map((rows) => `${rows} WHERE workspace_id = $2 AND id = $3`);
      return firstOf(await list(choices, [1, workspaceId, deliveryId]));
    },
    async listDeliveries(deliveryQuery) {
      const { where, values } = conditions(deliveryQuery);
      const { state, batchId } = deliveryQuery;
      // What is in a batch does not wait itself.
      const mayWait = batchId === undefined && (state === undefined || state === 'pending');
      const choices = [
        ...(mayWait ? [`${WAITING} WHERE ${where}`] : []),
        ...(state !== 'pending' ? [`${ENDED} WHERE ${where}${stateIs(state)}`] : []),
      ];
      return choices.length === 0 ? [] : await list(choices, values);
    },
    async listAttempts(workspaceId, deliveryId) {
      const rows = await query<AttemptRow>(
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

async function batchesOf(
  query: Query,
  workspaceId: string,
  rows: readonly OwnRow[],
): Promise<ReadonlyMap<string, BatchRow>> {
  const ids = rows.flatMap(({ batch }) => batch ?? []);
  if (ids.length === 0) return new Map();
  const batches = await query<Record<'id' | 'state', string> & { at_fallback: boolean; finished_at: number | null }>(
    BATCHES,
    oneOf(workspaceId, ids),
  );
  return new Map(
    batches.map(({ id, state, at_fallback, finished_at }) => [
      id,
      {
        batch_id: id,
        batch_state: state as BatchRow['batch_state'],
        batch_at_fallback: at_fallback,
        batch_finished_at: finished_at,
      },
    ]),
  );
}

async function failedBefore(
  query: Query,
  workspaceId: string,
  rows: readonly OwnRow[],
): Promise<ReadonlyMap<string, string>> {
  const inRun = rows.filter(({ state, run }) => state === 'pending' && run !== null);
  if (inRun.length === 0) return new Map();
  const failed = await query<{ id: string; failed_before: string }>(FAILED_BEFORE, [
    workspaceId,
    textArray(inRun.map(({ id }) => id)),
    textArray(inRun.map((row) => row.webhook_id)),
    textArray(inRun.map(({ run }) => run)),
    bigintArray(inRun.map(({ seq }) => seq)),
  ]);
  return new Map(failed.map((row) => [row.id, row.failed_before]));
}

function found(row: ListedRow): Delivery {
  return deliveryFromRow({ ...row, run_id: withNul(row.run_id), reason: withNul(row.reason) });
}

type EventRow = { id: string } & Pick<ListedRow, 'run_id'> & { type: string };
type BatchRow = Pick<ListedRow, 'batch_id' | 'batch_state' | 'batch_at_fallback' | 'batch_finished_at'>;

/** What one of the two tables has of a delivery. */
type OwnRow = Omit<ListedRow, 'event_type' | 'run_id' | 'failed_before' | keyof BatchRow> & {
  seq: number;
  run: string | null;
  batch: string | null;
};

const NO_BATCH: BatchRow = {
  batch_id: null,
  batch_state: 'pending',
  batch_at_fallback: false,
  batch_finished_at: null,
};
