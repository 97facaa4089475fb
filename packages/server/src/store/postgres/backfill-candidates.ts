import { runInOrder } from '../../domain/ordering.ts';
import { createWants } from '../../domain/wants-event.ts';
import type { Webhook } from '../../domain/webhook.ts';
import type { Candidate, Candidates, JobPosition } from '../candidates.ts';
import type { Query } from './database.ts';
import { isToStay } from './days.ts';
import { withNul } from './nul-free-text.ts';

/** Parameters: workspace, webhook, two places, the last event, limit. */
const page = (order: 'ASC' | 'DESC') => `
  SELECT e.seq, e.type, e.run_id, e.accepted_at, e.data,
    EXISTS (SELECT 1 FROM broxi.queue q WHERE q.workspace_id = $1 AND q.event_id = e.id AND q.webhook_id = $2)
      OR (
        SELECT 1 FROM broxi.deliveries d WHERE d.workspace_id = $1 AND d.event_id = e.id AND d.webhook_id = $2 LIMIT 1
      ) IS NOT NULL AS has_delivery
  FROM broxi.events e
  WHERE ${isToStay('e', 'evt')} AND workspace_id = $1 AND (accepted_at, seq) > ($3, $4) AND (accepted_at, seq) < ($5, $6) AND seq <= $7
  ORDER BY accepted_at ${order}, seq ${order} LIMIT $8`;

/**
 * Events of a workspace, oldest first; those that a webhook wants and has no delivery of are owed.
 * @param given.since accepted at this instant or later
 * @param given.lastEvent the last one that is looked at, by its `seq`
 */
export function backfillCandidates(
  query: Query,
  given: { webhook: Webhook; since: number; lastEvent: number },
): Candidates<Promise<Candidate[]>> {
  const { webhook, since, lastEvent } = given;
  const { workspaceId, id: webhookId } = webhook;
  const { payload, ordering } = webhook.config;
  const wants = createWants(webhook.config);
  const start = placeOf(since, 0);
  const end = placeOf(Number.MAX_SAFE_INTEGER, 0);
  const judge = (row: CandidateRow): Candidate => {
    const { seq, type, accepted_at: at, data: dataText } = row;
    const match = wants({ type, dataText });
    const verdict = match === null ? 'other' : row.has_delivery ? 'skipped' : 'owed';
    const run = runInOrder(ordering, withNul(row.run_id));
    return { seq, position: placeOf(at, seq), at, verdict, route: match?.route ?? null, run, payload };
  };
  const read = async (order: 'ASC' | 'DESC', [from, to]: [JobPosition, JobPosition], limit: number) => {
    const values = [workspaceId, webhookId, ...numbersOf(from), ...numbersOf(to), lastEvent, limit];
    return (await query<CandidateRow>(page(order), values)).map(judge);
  };
  return {
    start,
    end,
    oldestFirst: (after, limit) => read('ASC', [after, end], limit),
    newestFirst: (before, limit) => read('DESC', [start, before], limit),
  };
}

/** Where an event stands: when it was accepted, and its `seq`. No event has the `seq` 0. */
function placeOf(at: number, seq: number): JobPosition {
  return `${at}/${seq}`;
}

function numbersOf(place: JobPosition): number[] {
  return String(place).split('/').map(Number);
}

interface CandidateRow {
  seq: number;
  type: string;
  run_id: string | null;
  accepted_at: number;
  data: string;
  has_delivery: boolean;
}
