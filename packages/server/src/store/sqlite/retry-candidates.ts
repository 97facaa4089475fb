import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRecord } from '../../domain/attempt.ts';
import { type EndedDelivery, failedByOutage, type RetryFilter, retryFilterMatches } from '../../domain/retry-filter.ts';
import type { Candidate, Candidates } from '../candidates.ts';
import { allRows, oneRow } from './database.ts';

/** After every id. */
const LAST_ID = '~';

/**
 * Deliveries that are failed or cancelled, of a webhook or of all of a workspace, by id, which is by age.
 * @param given.until only what had come to its end then; an instant
 */
export function retryCandidates(
  database: DatabaseSync,
  given: { workspaceId: string; filter: RetryFilter; until: number },
): Candidates {
  const { workspaceId, filter, until } = given;
  const { state, webhookId } = filter;
  const [index, scope] =
    webhookId === null
      ? ['deliveries_given_up', 'd.workspace = (SELECT number FROM workspace_numbers WHERE workspace_id = ?)']
      : [
          'deliveries_given_up_of_lane',
          'd.lane = (SELECT number FROM lanes WHERE workspace_id = ? AND webhook_id = ?)',
        ];
  // Without the condition of the indexes, word for word, SQLite would use neither.
  const select = (comparison: '>' | '<', order: 'ASC' | 'DESC') =>
    database.prepare(`
      SELECT d.seq, d.id, d.state, d.origin, d.last_status, d.created_at, d.finished_at, l.webhook_id, e.type, e.run_id,
        (SELECT deleted_at FROM webhook_versions WHERE workspace_id = l.workspace_id AND webhook_id = l.webhook_id
          ORDER BY version DESC LIMIT 1) IS NOT NULL AS is_deleted,
        d.origin = 'batch' AND NOT EXISTS (SELECT 1 FROM deliveries WHERE batch = d.seq) AS is_spent
      FROM deliveries d INDEXED BY ${index} CROSS JOIN lanes l ON l.number = d.lane CROSS JOIN events e ON e.seq = d.event
      WHERE ${scope} AND d.state = ? AND d.state IN ('failed', 'cancelled') AND d.id ${comparison} ?
      ORDER BY d.id ${order} LIMIT ?`);
  const lastAttempt = database.prepare(
    'SELECT outcome, exchanges FROM attempts WHERE delivery = ? AND url = ifnull(?, url) ORDER BY number DESC LIMIT 1',
  );
  const isByOutage = (seq: number): boolean => {
    const row = oneRow<LastAttemptRow>(lastAttempt, seq, filter.outageOf ?? null);
    const exchanges = () => JSON.parse(row?.exchanges ?? '[]') as AttemptRecord['exchanges'];
    return row !== null && failedByOutage({ outcome: row.outcome, exchanges: exchanges() });
  };
  const parameters = [workspaceId, ...(webhookId === null ? [] : [webhookId]), state];
  const judge = (row: GivenUpRow): Candidate => {
    const matches =
      row.is_spent === 0 && (row.finished_at ?? 0) <= until && retryFilterMatches(filter, endedFromRow(row));
    const isMeant = matches && (filter.byOutage !== true || isByOutage(row.seq));
    const verdict = !isMeant ? 'other' : row.is_deleted === 1 ? 'skipped' : 'owed';
    return { seq: row.seq, position: row.id, at: row.created_at, verdict, route: null, run: null, payload: 'full' };
  };
  return {
    start: '',
    end: LAST_ID,
    oldestFirst: (after, limit) => allRows<GivenUpRow>(select('>', 'ASC'), ...parameters, after, limit).map(judge),
    newestFirst: (before, limit) => allRows<GivenUpRow>(select('<', 'DESC'), ...parameters, before, limit).map(judge),
  };
}

interface LastAttemptRow {
  outcome: AttemptRecord['outcome'];
  exchanges: string;
}

interface GivenUpRow {
  seq: number;
  id: string;
  state: string;
  origin: string;
  last_status: number | null;
  created_at: number;
  finished_at: number | null;
  webhook_id: string;
  type: string;
  run_id: string | null;
  /** The webhook: nothing can be sent to it. */
  is_deleted: 0 | 1;
  /** A batch whose members went on in others: there is nothing to send. */
  is_spent: 0 | 1;
}

function endedFromRow(row: GivenUpRow): EndedDelivery {
  return {
    webhookId: row.webhook_id,
    state: row.state,
    origin: row.origin,
    eventType: row.type,
    runId: row.run_id,
    lastStatus: row.last_status,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
