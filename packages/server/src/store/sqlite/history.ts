import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRecord, Exchange } from '../../domain/attempt.ts';
import type { Delivery, DeliveryQuery, History } from '../store.ts';
import { allRows, oneRow } from './database.ts';
import type { DeliveryRow } from './delivery-rows.ts';

export type HistoryReads = Omit<History, 'counters'>;

const DELIVERIES = `
  SELECT d.*, e.type AS event_type, e.run_id
  FROM deliveries d JOIN events e ON e.workspace_id = d.workspace_id AND e.id = d.event_id`;

export function historyReads(database: DatabaseSync): HistoryReads {
  const byId = database.prepare(`${DELIVERIES} WHERE d.workspace_id = ? AND d.id = ?`);
  const attempts = database.prepare(
    'SELECT * FROM attempts WHERE workspace_id = ? AND delivery_id = ? ORDER BY number',
  );

  return {
    async getDelivery(workspaceId, deliveryId) {
      const row = oneRow<ListedRow>(byId, workspaceId, deliveryId);
      return row && deliveryFromRow(row);
    },
    async listDeliveries(query) {
      const { where, parameters } = conditions(query);
      const list = database.prepare(`${DELIVERIES} WHERE ${where} ORDER BY d.id DESC LIMIT ?`);
      return allRows<ListedRow>(list, ...parameters, query.limit).map(deliveryFromRow);
    },
    async listAttempts(workspaceId, deliveryId) {
      return allRows<AttemptRow>(attempts, workspaceId, deliveryId).map(attemptFromRow);
    },
  };
}

function conditions(query: DeliveryQuery): { where: string; parameters: (string | number)[] } {
  const parts: [condition: string, parameter: string | number | undefined][] = [
    ['d.workspace_id = ?', query.workspaceId],
    ['d.id < ?', query.before],
    ['d.webhook_id = ?', query.webhookId],
    ['d.event_id = ?', query.eventId],
    ['d.event_id IN (SELECT id FROM events WHERE workspace_id = d.workspace_id AND run_id = ?)', query.runId],
    ['d.state = ?', query.state],
    ['d.last_status = ?', query.status],
    ['d.created_at >= ?', query.createdFrom],
    ['d.created_at < ?', query.createdTo],
  ];
  const given = parts.filter((part): part is [string, string | number] => part[1] !== undefined);
  // What waits is found through the queue: among millions of finished ones it may be rare.
  const waiting =
    query.state === 'pending' ? ' AND d.id IN (SELECT id FROM queue WHERE workspace_id = d.workspace_id)' : '';
  return {
    where: given.map(([condition]) => condition).join(' AND ') + waiting,
    parameters: given.map(([, value]) => value),
  };
}

interface ListedRow extends DeliveryRow {
  event_type: string;
  run_id: string | null;
}

function deliveryFromRow(row: ListedRow): Delivery {
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
