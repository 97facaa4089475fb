import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRecord, Exchange } from '../../domain/attempt.ts';
import type { DeliveryOrigin, DeliveryState } from '../../domain/delivery.ts';
import type { Delivery, DeliveryQuery, History } from '../store.ts';
import { allRows, oneRow } from './database.ts';

export type HistoryReads = Omit<History, 'counters'>;

/** Columns that the queue and the history have in common, so that a list can read both. */
const WAITING = `
  SELECT q.workspace_id, q.id, q.webhook_id, q.event_id, q.origin, 'pending' AS state, q.attempts, q.created_at,
    q.due_at, NULL AS finished_at, q.reason, q.last_status, e.type AS event_type, e.run_id
  FROM queue q JOIN events e ON e.workspace_id = q.workspace_id AND e.id = q.event_id`;
const FINISHED = `
  SELECT q.workspace_id, q.id, q.webhook_id, q.event_id, q.origin, q.state, q.attempts, q.created_at,
    NULL AS due_at, q.finished_at, q.reason, q.last_status, e.type AS event_type, e.run_id
  FROM deliveries q JOIN events e ON e.workspace_id = q.workspace_id AND e.id = q.event_id`;

export function historyReads(database: DatabaseSync): HistoryReads {
  const waiting = database.prepare(`${WAITING} WHERE q.workspace_id = ? AND q.id = ?`);
  const finished = database.prepare(`${FINISHED} WHERE q.workspace_id = ? AND q.id = ?`);
  const attempts = database.prepare('SELECT * FROM attempts WHERE workspace_id = ? AND delivery_id = ? ORDER BY number');

  return {
    async getDelivery(workspaceId, deliveryId) {
      const row =
        oneRow<DeliveryRow>(waiting, workspaceId, deliveryId) ?? oneRow<DeliveryRow>(finished, workspaceId, deliveryId);
      return row && deliveryFromRow(row);
    },
    async listDeliveries(query) {
      const { where, parameters } = conditions(query);
      const read = (source: string, extra: { condition: string; parameters: string[] }) =>
        allRows<DeliveryRow>(
          database.prepare(`${source} WHERE ${where}${extra.condition} ORDER BY q.id DESC LIMIT ?`),
          ...parameters,
          ...extra.parameters,
          query.limit,
        );
      const { state } = query;
      const any = { condition: '', parameters: [] };
      const byState = state === undefined ? any : { condition: ' AND q.state = ?', parameters: [state] };
      const found = [
        ...(state === undefined || state === 'pending' ? read(WAITING, any) : []),
        ...(state === 'pending' ? [] : read(FINISHED, byState)),
      ];
      return found
        .map(deliveryFromRow)
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, query.limit);
    },
    async listAttempts(workspaceId, deliveryId) {
      return allRows<AttemptRow>(attempts, workspaceId, deliveryId).map(attemptFromRow);
    },
  };
}

function conditions(query: DeliveryQuery): { where: string; parameters: (string | number)[] } {
  const parts: [condition: string, parameter: string | number | undefined][] = [
    ['q.workspace_id = ?', query.workspaceId],
    ['q.id < ?', query.before],
    ['q.webhook_id = ?', query.webhookId],
    ['q.event_id = ?', query.eventId],
    ['q.event_id IN (SELECT id FROM events WHERE workspace_id = q.workspace_id AND run_id = ?)', query.runId],
    ['q.last_status = ?', query.status],
    ['q.created_at >= ?', query.createdFrom],
    ['q.created_at < ?', query.createdTo],
  ];
  const given = parts.filter((part): part is [string, string | number] => part[1] !== undefined);
  return { where: given.map(([condition]) => condition).join(' AND '), parameters: given.map(([, value]) => value) };
}

interface DeliveryRow {
  workspace_id: string;
  id: string;
  webhook_id: string;
  event_id: string;
  event_type: string;
  run_id: string | null;
  origin: DeliveryOrigin;
  state: DeliveryState;
  attempts: number;
  created_at: number;
  due_at: number | null;
  finished_at: number | null;
  reason: string | null;
  last_status: number | null;
}

function deliveryFromRow(row: DeliveryRow): Delivery {
  return {
    workspaceId: row.workspace_id,
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    eventType: row.event_type,
    runId: row.run_id,
    origin: row.origin,
    state: row.state,
    reason: row.reason,
    attempts: row.attempts,
    lastStatus: row.last_status,
    createdAt: row.created_at,
    dueAt: row.due_at,
    finishedAt: row.finished_at,
  };
}

interface AttemptRow {
  id: string;
  number: number;
  started_at: number;
  duration_ms: number;
  url: string;
  webhook_version: number;
  outcome: AttemptRecord['outcome'];
  reason: string | null;
  exchanges: string;
}

function attemptFromRow(row: AttemptRow): AttemptRecord {
  return {
    id: row.id,
    number: row.number,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    url: row.url,
    webhookVersion: row.webhook_version,
    outcome: row.outcome,
    reason: row.reason,
    exchanges: JSON.parse(row.exchanges) as Exchange[],
  };
}
