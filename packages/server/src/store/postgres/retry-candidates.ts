import type { AttemptRecord, Exchange } from '../../domain/attempt.ts';
import { type EndedDelivery, failedByOutage, type RetryFilter, retryFilterMatches } from '../../domain/retry-filter.ts';
import type { Candidate, Candidates } from '../candidates.ts';
import type { Query, Value } from './database.ts';
import { isToStay } from './days.ts';
import { withNul } from './nul-free-text.ts';

/** After every id. */
const LAST_ID = '~';

/**
 * Deliveries that are failed or cancelled, of a webhook or of all of a workspace, by id, which is by age.
 * @param given.until only what had come to its end then; an instant
 */
export function retryCandidates(
  query: Query,
  given: { workspaceId: string; filter: RetryFilter; until: number },
): Candidates<Promise<Candidate[]>> {
  const { workspaceId, filter, until } = given;
  const { state, webhookId } = filter;
  const select = (comparison: '>' | '<', order: 'ASC' | 'DESC') => `
    SELECT d.*, e.type, e.run_id,
      (SELECT deleted_at FROM broxi.webhook_versions v WHERE v.workspace_id = $1 AND v.webhook_id = d.webhook_id
        ORDER BY version DESC LIMIT 1) IS NOT NULL AS is_deleted,
      d.origin = 'batch' AND NOT EXISTS (
        SELECT 1 FROM broxi.deliveries m WHERE m.workspace_id = $1 AND m.batch = d.id) AS is_spent,
      last.outcome, last.exchanges
    FROM (
      SELECT seq, id, webhook_id, event_id, state, origin, last_status, created_at, finished_at FROM broxi.deliveries h
      WHERE workspace_id = $1 AND state = $2 AND state IN ('failed', 'cancelled') AND id ${comparison} $3
        AND ${isToStay('h', 'del')}
        AND ($5::text IS NULL OR webhook_id = $5)
      ORDER BY id ${order} LIMIT $4
    ) d
      CROSS JOIN LATERAL (
        SELECT type, run_id FROM broxi.events WHERE workspace_id = $1 AND id = d.event_id LIMIT 1
      ) e
      LEFT JOIN LATERAL (
        SELECT outcome, exchanges FROM broxi.attempts
        WHERE $6 AND workspace_id = $1 AND delivery_id = d.id AND ($7::text IS NULL OR url = $7) ORDER BY number DESC LIMIT 1
      ) last ON true
    ORDER BY d.id ${order}`;
  const judge = (row: GivenUpRow): Candidate => {
    const matches = !row.is_spent && row.finished_at <= until && retryFilterMatches(filter, endedFromRow(row));
    const isMeant = matches && (filter.byOutage !== true || isByOutage(row));
    const verdict = !isMeant ? 'other' : row.is_deleted ? 'skipped' : 'owed';
    return { seq: row.seq, position: row.id, at: row.created_at, verdict, route: null, run: null, payload: 'full' };
  };
  const page = async (text: string, position: Value, limit: number) => {
    const { byOutage = false, outageOf = null } = filter;
    const values = [workspaceId, state, position, limit, webhookId, byOutage, outageOf];
    return (await query<GivenUpRow>(text, values)).map(judge);
  };
  return {
    start: '',
    end: LAST_ID,
    oldestFirst: (after, limit) => page(select('>', 'ASC'), after, limit),
    newestFirst: (before, limit) => page(select('<', 'DESC'), before, limit),
  };
}

interface GivenUpRow {
  seq: number;
  id: string;
  state: string;
  origin: string;
  last_status: number | null;
  created_at: number;
  finished_at: number;
  webhook_id: string;
  type: string;
  run_id: string | null;
  /** The webhook: nothing can be sent to it. */
  is_deleted: boolean;
  /** A batch whose members went on in others: there is nothing to send. */
  is_spent: boolean;
  /** Of the last attempt, where that is asked for; null: there was none. */
  outcome: AttemptRecord['outcome'] | null;
  exchanges: string | null;
}

function isByOutage({ outcome, exchanges }: GivenUpRow): boolean {
  if (outcome === null || exchanges === null) return false;
  return failedByOutage({ outcome, exchanges: JSON.parse(exchanges) as Exchange[] });
}

function endedFromRow(row: GivenUpRow): EndedDelivery {
  return {
    webhookId: row.webhook_id,
    state: row.state,
    origin: row.origin,
    eventType: row.type,
    runId: withNul(row.run_id),
    lastStatus: row.last_status,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
