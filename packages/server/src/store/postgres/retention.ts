import type { PruneResult, PruneStep, Retention } from '../store.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import type { CommitGroup } from './commit-group.ts';
import type { Query } from './database.ts';
import type { Transaction } from './transaction.ts';

/**
 * Events in order of ingest, and whether anything of them is owed, by itself or in a batch, or came to its end lately, or is to
 * be decided on by a person; or is a batch with a member that stays. That went into it, so it comes before it in this order.
 */
const PAGE = `
  WITH page AS MATERIALIZED (
    SELECT workspace_id, id, seq, accepted_at, accepted_at >= $3
      OR EXISTS (SELECT 1 FROM broxi.queue q WHERE q.workspace_id = e.workspace_id AND q.event_id = e.id)
      OR EXISTS (
        SELECT 1 FROM broxi.deliveries d
        WHERE d.workspace_id = e.workspace_id AND d.event_id = e.id AND (
          d.finished_at >= $3
          OR EXISTS (SELECT 1 FROM broxi.queue b WHERE b.workspace_id = d.workspace_id AND b.id = d.batch)
          OR EXISTS (
            SELECT 1 FROM broxi.deliveries b
            WHERE b.workspace_id = d.workspace_id AND b.id = d.batch AND b.finished_at >= $3)
          OR d.state = 'failed' AND EXISTS (
            SELECT 1 FROM broxi.queue w
            WHERE w.workspace_id = d.workspace_id AND w.webhook_id = d.webhook_id AND w.run = d.run AND w.seq > d.seq))
      ) AS is_kept
    FROM broxi.events e WHERE seq > $1 ORDER BY seq LIMIT $2
  )
  SELECT p.workspace_id, p.id, p.seq, p.accepted_at, p.is_kept OR EXISTS (
      SELECT 1 FROM broxi.deliveries d
        JOIN broxi.deliveries m ON m.workspace_id = d.workspace_id AND m.batch = d.id
      WHERE d.workspace_id = p.workspace_id AND d.event_id = p.id AND NOT EXISTS (
        SELECT 1 FROM page o WHERE o.workspace_id = m.workspace_id AND o.id = m.event_id AND NOT o.is_kept)
    ) AS is_kept
  FROM page p ORDER BY seq`;

/**
 * Goes from event to event in order of ingest, which is all but the order in which they were accepted. An event with more
 * deliveries than one step removes goes over several: its deliveries first, itself last. A member of a batch is as old as that, and a batch stays as long as any of its members. What
 * failed stays while something waits behind it in its run: else time would free what a person is to decide on.
 */
export function retention(group: CommitGroup): Retention {
  const prune = async (tx: Transaction, { before, after, limit }: PruneStep): Promise<PruneResult> => {
    const { query } = tx;
    const result: PruneResult = { next: null, events: 0, deliveries: 0, jobs: 0 };
    const events = await query<EventRow>(PAGE, [after, limit, before]);
    const old = events.filter((event) => !event.is_kept);
    const chosen = await chooseWithin(query, old, limit);
    result.deliveries = chosen.deliveries.length;
    await removeDeliveries(query, chosen.deliveries);
    await removeEvents(query, chosen.events);
    result.events = chosen.events.length;
    if (chosen.stoppedAt !== null) return { ...result, next: chosen.stoppedAt.seq - 1 };
    const mayBeMore = events.length === limit && events.some(({ accepted_at: acceptedAt }) => acceptedAt < before);
    if (mayBeMore) return { ...result, next: events.at(-1)?.seq ?? null };
    const jobs = await query(
      `DELETE FROM broxi.jobs WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM broxi.jobs WHERE finished_at < $1 LIMIT $2) RETURNING id`,
      [before, limit],
    );
    return { ...result, jobs: jobs.length };
  };
  return { prune: (step) => group.work((tx) => prune(tx, step)) };
}

interface Key {
  workspace_id: string;
  id: string;
}

interface EventRow extends Key {
  seq: number;
  accepted_at: number;
  is_kept: boolean;
}

/** Rows go until so many are gone: each delivery counts with its attempts, each event as one. */
async function chooseWithin(
  query: Query,
  events: readonly EventRow[],
  limit: number,
): Promise<{ events: Key[]; deliveries: Key[]; stoppedAt: EventRow | null }> {
  const chosen = { events: [] as Key[], deliveries: [] as Key[] };
  let left = limit;
  const all = await deliveriesOf(query, events, limit);
  for (const event of events) {
    if (left <= 0) return { ...chosen, stoppedAt: event };
    for (const { attempts, ...delivery } of all.get(event.seq) ?? []) {
      if (left <= 0) return { ...chosen, stoppedAt: event };
      chosen.deliveries.push(delivery);
      left -= attempts + 1;
    }
    chosen.events.push(event);
    left -= 1;
  }
  return { ...chosen, stoppedAt: null };
}

/** Of each event, some more than may go. */
async function deliveriesOf(
  query: Query,
  events: readonly EventRow[],
  limit: number,
): Promise<Map<number, (Key & { attempts: number })[]>> {
  const rows = await query<Key & { event: number; attempts: number }>(
    `SELECT g.event, d.* FROM unnest($1::text[], $2::text[], $3::bigint[]) AS g (workspace_id, id, event), LATERAL (
      SELECT workspace_id, id, attempts FROM broxi.deliveries d
      WHERE d.workspace_id = g.workspace_id AND d.event_id = g.id ORDER BY id LIMIT $4
    ) d`,
    [...keyArrays(events), bigintArray(events.map(({ seq }) => seq)), limit + 1],
  );
  return Map.groupBy(rows, ({ event }) => event);
}

async function removeDeliveries(query: Query, keys: readonly Key[]): Promise<void> {
  if (keys.length === 0) return;
  const given = 'USING unnest($1::text[], $2::text[]) AS g (workspace_id, id)';
  await Promise.all([
    query(
      `DELETE FROM broxi.attempts a ${given} WHERE a.workspace_id = g.workspace_id AND a.delivery_id = g.id`,
      keyArrays(keys),
    ),
    query(
      `DELETE FROM broxi.deliveries d ${given} WHERE d.workspace_id = g.workspace_id AND d.id = g.id`,
      keyArrays(keys),
    ),
  ]);
}

async function removeEvents(query: Query, keys: readonly Key[]): Promise<void> {
  if (keys.length === 0) return;
  await query(
    `DELETE FROM broxi.events e USING unnest($1::text[], $2::text[]) AS g (workspace_id, id)
      WHERE e.workspace_id = g.workspace_id AND e.id = g.id`,
    keyArrays(keys),
  );
}

function keyArrays(keys: readonly Key[]): Buffer[] {
  return [textArray(keys.map((key) => key.workspace_id)), textArray(keys.map(({ id }) => id))];
}
