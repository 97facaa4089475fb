import type { DatabaseSync } from 'node:sqlite';
import { runInOrder } from '../../domain/ordering.ts';
import { createWants } from '../../domain/wants-event.ts';
import type { Webhook } from '../../domain/webhook.ts';
import type { Candidate, Candidates } from '../candidates.ts';
import { allRows, oneRow } from './database.ts';

/** Events are in order of ingest, and all but in order of the time at which they were accepted. */
const CLOCK_SLACK_MS = 60_000;

/**
 * Events of all workspaces in order of ingest; those of the webhook's own that it wants and has no delivery of are owed.
 * @param given.since accepted at this instant or later
 * @param given.lastEvent the last one that is looked at, by its `seq`
 */
export function backfillCandidates(
  database: DatabaseSync,
  given: { webhook: Webhook; since: number; lastEvent: number },
): Candidates {
  const { webhook, since, lastEvent } = given;
  const lane = [webhook.workspaceId, webhook.id];
  const select = (order: 'ASC' | 'DESC') =>
    database.prepare(`
      SELECT seq, type, run_id, accepted_at, workspace = (SELECT number FROM workspace_numbers WHERE workspace_id = ?) AS is_own
      FROM events WHERE seq > ? AND seq < ? ORDER BY seq ${order} LIMIT ?`);
  const data = database.prepare('SELECT data FROM events WHERE seq = ?');
  const delivery = database.prepare(`
    SELECT 1 FROM deliveries
    WHERE event = ? AND lane = (SELECT number FROM lanes WHERE workspace_id = ? AND webhook_id = ?) LIMIT 1`);
  const wants = createWants(webhook.config);
  const start = firstSince(database, since - CLOCK_SLACK_MS) - 1;
  const end = lastEvent + 1;
  const judge = (row: EventRow): Candidate => {
    const { seq, type, accepted_at: at } = row;
    const event = {
      type,
      get dataText() {
        return oneRow<{ data: string }>(data, seq)?.data ?? '{}';
      },
    };
    const match = row.is_own === 1 && at >= since ? wants(event) : null;
    const verdict = match === null ? 'other' : oneRow(delivery, seq, ...lane) === null ? 'owed' : 'skipped';
    const run = runInOrder(webhook.config.ordering, row.run_id);
    return { seq, position: seq, at, verdict, route: match?.route ?? null, payload: webhook.config.payload, run };
  };
  const page = (order: 'ASC' | 'DESC', from: number | string, to: number | string, limit: number) =>
    allRows<EventRow>(select(order), webhook.workspaceId, from, to, limit).map(judge);
  return {
    start,
    end,
    oldestFirst: (after, limit) => page('ASC', after, end, limit),
    newestFirst: (before, limit) => page('DESC', start, before, limit),
  };
}

/** The `seq` of about the first event accepted since an instant, found by halving: there is no index for it. */
function firstSince(database: DatabaseSync, since: number): number {
  const from = database.prepare('SELECT seq, accepted_at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1');
  const range = oneRow<{ first: number | null; last: number | null }>(
    database.prepare('SELECT (SELECT min(seq) FROM events) AS first, (SELECT max(seq) FROM events) AS last'),
  );
  let low = range?.first ?? 1;
  let high = (range?.last ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = oneRow<{ accepted_at: number }>(from, middle);
    if (row !== null && row.accepted_at < since) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface EventRow {
  seq: number;
  type: string;
  run_id: string | null;
  accepted_at: number;
  /** Of the webhook's workspace. */
  is_own: 0 | 1;
}
