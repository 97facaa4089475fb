import type { DatabaseSync } from 'node:sqlite';
import { type AttemptRow, attemptFromRow } from '../rows/attempt-row.ts';
import { deliveryFromRow, type ListedRow } from '../rows/delivery-row.ts';
import type { DeliveryQuery, History } from '../store.ts';
import { allRows, oneRow } from './database.ts';
import { IN_ORDER } from './head-rows.ts';

export type HistoryReads = Omit<History, 'counters'>;

const WORKSPACE = '(SELECT number FROM workspace_numbers WHERE workspace_id = ?)';
const LANE = '(SELECT number FROM lanes WHERE workspace_id = ? AND webhook_id = ?)';
const DELIVERIES = `
  SELECT d.*, l.workspace_id, l.webhook_id, e.id AS event_id, e.type AS event_type, e.run_id,
    b.id AS batch_id, b.state AS batch_state, b.at_fallback AS batch_at_fallback, b.finished_at AS batch_finished_at,
    CASE WHEN d.run IS NOT NULL AND d.state = 'pending' THEN (
      SELECT f.id FROM deliveries f
      WHERE f.lane = d.lane AND f.run = d.run AND f.state = 'failed' AND f.seq < d.seq AND ${IN_ORDER('f')}
      ORDER BY f.seq LIMIT 1) END AS failed_before
  FROM deliveries d JOIN lanes l ON l.number = d.lane JOIN events e ON e.seq = d.event
    LEFT JOIN deliveries b ON b.seq = d.batch`;
/** Up to so many that wait are found through the queue, where they may be rare among millions; more are found by trying. */
const FEW_WAITING = 10_000;

export function historyReads(database: DatabaseSync): HistoryReads {
  const byId = database.prepare(`${DELIVERIES} WHERE d.workspace = ${WORKSPACE} AND d.id = ?`);
  const attempts = database.prepare(`
    SELECT a.* FROM deliveries d JOIN attempts a ON a.delivery = d.seq
    WHERE d.workspace = ${WORKSPACE} AND d.id = ? ORDER BY a.number`);
  const waitingOf = database.prepare(`
    SELECT count(*) AS count FROM (
      SELECT 1 FROM lanes l JOIN queue q ON q.lane = l.number WHERE l.workspace_id = ? LIMIT ${FEW_WAITING})`);

  const conditions = (query: DeliveryQuery): Condition[] => {
    const { workspaceId } = query;
    const all: (Condition | false)[] = [
      [`d.workspace = ${WORKSPACE}`, workspaceId],
      query.before !== undefined && ['d.id < ?', query.before],
      query.webhookId !== undefined && [`d.lane = ${LANE}`, workspaceId, query.webhookId],
      query.eventId !== undefined && [
        `d.event = (SELECT seq FROM events WHERE workspace = ${WORKSPACE} AND id = ?)`,
        workspaceId,
        query.eventId,
      ],
      query.runId !== undefined && [
        `d.event IN (SELECT seq FROM events WHERE workspace = ${WORKSPACE} AND run_id = ?)`,
        workspaceId,
        query.runId,
      ],
      query.batchId !== undefined && [
        `d.batch = (SELECT seq FROM deliveries WHERE workspace = ${WORKSPACE} AND id = ?)`,
        workspaceId,
        query.batchId,
      ],
      query.state !== undefined && ['d.state = ?', query.state],
      // Word for word what the indexes of given up deliveries hold: without it SQLite uses neither.
      (query.state === 'failed' || query.state === 'cancelled') && ["d.state IN ('failed', 'cancelled')"],
      query.status !== undefined && ['d.last_status = ?', query.status],
      query.createdFrom !== undefined && ['d.created_at >= ?', query.createdFrom],
      query.createdTo !== undefined && ['d.created_at < ?', query.createdTo],
      query.state === 'pending' &&
        (oneRow<{ count: number }>(waitingOf, workspaceId)?.count ?? 0) < FEW_WAITING && [
          'd.seq IN (SELECT q.delivery FROM lanes l JOIN queue q ON q.lane = l.number WHERE l.workspace_id = ?)',
          workspaceId,
        ],
    ];
    return all.filter((condition) => condition !== false);
  };

  return {
    async getDelivery(workspaceId, deliveryId) {
      const row = oneRow<ListedRow>(byId, workspaceId, deliveryId);
      return row && deliveryFromRow(row);
    },
    async listDeliveries(query) {
      const all = conditions(query);
      const where = all.map(([text]) => text).join(' AND ');
      const parameters = all.flatMap(([, ...values]) => values);
      const list = database.prepare(`${DELIVERIES} WHERE ${where} ORDER BY d.id DESC LIMIT ?`);
      return allRows<ListedRow>(list, ...parameters, query.limit).map(deliveryFromRow);
    },
    async listAttempts(workspaceId, deliveryId) {
      return allRows<AttemptRow>(attempts, workspaceId, deliveryId).map(attemptFromRow);
    },
  };
}

type Condition = [text: string, ...parameters: (string | number)[]];
