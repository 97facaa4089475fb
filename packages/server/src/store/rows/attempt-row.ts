import type { AttemptRecord, Exchange } from '../../domain/attempt.ts';

/** A row of `attempts`. */
export interface AttemptRow {
  id: string;
  number: number;
  started_at: number;
  duration_ms: number;
  url: string;
  route: number | null;
  webhook_version: number;
  outcome: AttemptRecord['outcome'];
  reason: string | null;
  exchanges: string;
}

export function attemptFromRow(row: AttemptRow): AttemptRecord {
  return {
    id: row.id,
    number: row.number,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    url: row.url,
    route: row.route,
    webhookVersion: row.webhook_version,
    outcome: row.outcome,
    reason: row.reason,
    exchanges: JSON.parse(row.exchanges) as Exchange[],
  };
}
