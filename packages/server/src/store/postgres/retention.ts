import type { PruneResult, PruneStep, Retention } from '../store.ts';
import { bigintArray } from './array-parameter.ts';
import type { CommitGroup } from './commit-group.ts';
import { firstOf, type Query } from './database.ts';
import { DAY_MS, digitsOf } from './days.ts';
import type { DayDropper } from './drop-days.ts';
import { isAmong, type Key, keyArrays, needed } from './needed.ts';
import type { Transaction } from './transaction.ts';

/**
 * Events in order of ingest, and whether they stay: because they are needed, or are a batch with a member that stays. That
 * went into it, so it comes before it in this order. Looks at what is aside and at days that are not about to be removed as a
 * whole. Parameters: place, limit, instant, the end of those days.
 */
const PAGE = `
  WITH page AS MATERIALIZED (
    SELECT workspace_id, id, seq, accepted_at, ${needed('e', '$3')} AS is_kept
    FROM (${['aside', 'NOT aside AND id >= $4'].map(first).join(' UNION ALL ')} ORDER BY seq LIMIT $2) e
  )
  SELECT p.workspace_id, p.id, p.seq, p.accepted_at, p.is_kept OR EXISTS (
      SELECT 1 FROM broxi.deliveries d
        JOIN broxi.deliveries m ON m.workspace_id = d.workspace_id AND m.batch = d.id
      WHERE d.workspace_id = p.workspace_id AND d.event_id = p.id AND NOT EXISTS (
        SELECT 1 FROM page o WHERE o.workspace_id = m.workspace_id AND o.id = m.event_id AND NOT o.is_kept)
    ) AS is_kept
  FROM page p ORDER BY seq`;

function first(where: string): string {
  return `(SELECT workspace_id, id, seq, accepted_at FROM broxi.events WHERE ${where} AND seq > $1 ORDER BY seq LIMIT $2)`;
}

/** Where the days end that are old, or will be within a day: their events go with them. */
const ROWS_FROM = "SELECT 'evt_' || coalesce(max(until), '') AS id FROM broxi.days WHERE until <= $1";

/**
 * Days that are old go as a whole, first. Of what is aside, or younger by its id than it is, it goes
 * from event to event in order of ingest, which is all but the order in which they were accepted. An event with more
 * deliveries than one step removes goes over several: its deliveries first, itself last. A member of a batch is as old as that, and a batch stays as long as any of its members. What
 * failed stays while something waits behind it in its run: else time would free what a person is to decide on.
 */
export function retention({ group, days }: { group: CommitGroup; days: DayDropper }): Retention {
  const prune = async (tx: Transaction, { before, after, limit }: PruneStep): Promise<PruneResult> => {
    const { query } = tx;
    const result: PruneResult = { next: null, events: 0, deliveries: 0, jobs: 0 };
    const rowsFrom = firstOf(await query<{ id: string }>(ROWS_FROM, [digitsOf(before + DAY_MS)]))?.id ?? '';
    const events = await query<EventRow>(PAGE, [after, limit, before, rowsFrom]);
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
  return {
    async prune(step) {
      const gone = step.after === 0 ? await days.step(step) : null;
      return gone === null ? await group.work((tx) => prune(tx, step)) : { ...gone, next: 0, jobs: 0 };
    },
  };
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
  await query(`DELETE FROM broxi.attempts WHERE ${isAmong('delivery_id')}`, keyArrays(keys));
  await query(`DELETE FROM broxi.deliveries WHERE ${isAmong('id')}`, keyArrays(keys));
}

async function removeEvents(query: Query, keys: readonly Key[]): Promise<void> {
  if (keys.length > 0) await query(`DELETE FROM broxi.events WHERE ${isAmong('id')}`, keyArrays(keys));
}
