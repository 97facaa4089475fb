import type { Query } from './database.ts';
import { isAmong, type Key, keyArrays, needed } from './needed.ts';

export interface DayBounds {
  /** As in `broxi.days`. */
  first: string;
  until: string;
}

export interface DayPage extends DayBounds {
  /** The place of the last row that was looked at. */
  after: Key;
  limit: number;
  /** What came to its end since this instant stays. */
  before: number;
}

/** One way through a day: what of a table has to stay, and what is taken aside with it. */
export interface Pass {
  /** Rows after a place, in order, and whether each stays. Parameters: the place, limit. */
  page: (day: Day) => string;
  takeAside: (query: Query, keys: readonly Key[]) => Promise<void>;
  /** What its rows are; null: nobody counts them. */
  counts: 'events' | 'deliveries' | null;
}

/** In SQL, whether an id is one of the day; written out, so that all others are left out before they are planned for. */
interface Day {
  isEvent: (id: string) => string;
  isDelivery: (id: string) => string;
  before: number;
}

/** Before every row. */
export const START: Key = { workspace_id: '', id: '' };

/**
 * Looks at a page of a day that is closed, and takes aside what has to stay of it.
 * @returns where the next page begins, or null; and how many rows are left where they are
 */
export async function lookThrough(
  query: Query,
  { page, takeAside }: Pass,
  { first, until, after, limit, before }: DayPage,
): Promise<{ next: Key | null; left: number }> {
  const within = (prefix: string) => (id: string) => `${id} >= '${prefix}_${first}' AND ${id} < '${prefix}_${until}'`;
  const text = page({ isEvent: within('evt'), isDelivery: within('del'), before });
  const rows = await query<Key & { stays: boolean }>(text, [after.workspace_id, after.id, limit]);
  const staying = rows.filter(({ stays }) => stays);
  if (staying.length > 0) await takeAside(query, staying);
  return { next: rows.length < limit ? null : (rows.at(-1) ?? null), left: rows.length - staying.length };
}

const PAGE_OF = (table: string, key: string, isOfDay: (id: string) => string) => `
  FROM broxi.${table} t WHERE NOT aside AND ${isOfDay(key)} AND (workspace_id, ${key}) > ($1, $2)
  ORDER BY workspace_id, ${key} LIMIT $3`;

/**
 * Events. One stays if anything needs it, or if anything of it is elsewhere; a batch stays as long as a member of it does:
 * one that is elsewhere, or is taken aside later or now. Those of events before it were looked at.
 */
function pageOfEvents({ isEvent, isDelivery, before }: Day): string {
  const isElsewhere = (d: string) => `(${d}.aside OR NOT (${isDelivery(`${d}.id`)}))`;
  return `
    WITH page AS MATERIALIZED (
      SELECT workspace_id, id, ${needed('t', `${before}`, isElsewhere('d'))} AS stays ${PAGE_OF('events', 'id', isEvent)}
    )
    SELECT workspace_id, id, stays OR EXISTS (
      SELECT 1 FROM broxi.deliveries b JOIN broxi.deliveries m ON m.workspace_id = b.workspace_id AND m.batch = b.id
      WHERE b.workspace_id = p.workspace_id AND b.event_id = p.id AND (
        ${isElsewhere('m')} OR NOT (${isEvent('m.event_id')}) OR m.event_id > p.id
        OR EXISTS (SELECT 1 FROM page o WHERE o.workspace_id = m.workspace_id AND o.id = m.event_id AND o.stays))
    ) AS stays
    FROM page p ORDER BY workspace_id, id`;
}

/** Deliveries stay if their event is elsewhere. */
function pageOfDeliveries({ isEvent, isDelivery }: Day): string {
  return `
    SELECT workspace_id, id, (
      SELECT 1 FROM broxi.events e
      WHERE NOT e.aside AND ${isEvent('e.id')} AND e.workspace_id = t.workspace_id AND e.id = t.event_id LIMIT 1
    ) IS NULL AS stays ${PAGE_OF('deliveries', 'id', isDelivery)}`;
}

/** Attempts stay if their delivery is elsewhere. */
function pageOfAttempts({ isDelivery }: Day): string {
  return `
    SELECT workspace_id, id, (
      SELECT 1 FROM broxi.deliveries d
      WHERE NOT d.aside AND ${isDelivery('d.id')} AND d.workspace_id = p.workspace_id AND d.id = p.id LIMIT 1
    ) IS NULL AS stays
    FROM (SELECT DISTINCT workspace_id, delivery_id AS id ${PAGE_OF('attempts', 'delivery_id', isDelivery)}) p
    ORDER BY workspace_id, id`;
}

/** In this order: later ones find what earlier ones have left. */
export const PASSES: readonly Pass[] = [
  { page: pageOfEvents, takeAside: takeEventsAside, counts: 'events' },
  { page: pageOfDeliveries, takeAside: takeDeliveriesAside, counts: 'deliveries' },
  { page: pageOfAttempts, takeAside: takeAttemptsAside, counts: null },
];

/** All there is of them: their deliveries, and the attempts of these, also of those that wait. */
async function takeEventsAside(query: Query, keys: readonly Key[]): Promise<void> {
  const given = keyArrays(keys);
  await query(takeAside('events', 'id'), given);
  await query(takeAside('deliveries', 'event_id'), given);
  const of = (table: string) => `SELECT workspace_id, id FROM broxi.${table} WHERE ${isAmong('event_id')}`;
  await takeAttemptsAside(query, await query<Key>(`${of('deliveries')} UNION ALL ${of('queue')}`, given));
}

async function takeDeliveriesAside(query: Query, keys: readonly Key[]): Promise<void> {
  await query(takeAside('deliveries', 'id'), keyArrays(keys));
  await takeAttemptsAside(query, keys);
}

async function takeAttemptsAside(query: Query, deliveries: readonly Key[]): Promise<void> {
  if (deliveries.length > 0) await query(takeAside('attempts', 'delivery_id'), keyArrays(deliveries));
}

function takeAside(table: string, id: string): string {
  return `UPDATE broxi.${table} SET aside = true WHERE NOT aside AND ${isAmong(id)}`;
}
