import type { DeliveryQuery } from '../store/store.ts';
import { encodeCursor, type Page, pageFrom } from './paging.ts';
import type { AppDeps } from './ports.ts';
import { type DeliveryJson, presentDeliveries } from './present-delivery.ts';

export interface DeliveryListRequest {
  /** What the store can select by itself. */
  query: Omit<DeliveryQuery, 'limit'>;
  limit: number;
  /** The rest, looked at in what is shown; null: everything that the store finds. */
  matches: ((delivery: DeliveryJson) => boolean) | null;
}

const CHUNK = 200;
/** Rows that one request may look through: a page may be short, and its cursor goes on from there. */
const MAX_SCANNED = 5_000;

/** One page of deliveries, newest first. */
export async function listDeliveries(
  { query, limit, matches }: DeliveryListRequest,
  deps: Pick<AppDeps, 'store' | 'workspaces' | 'engine'>,
): Promise<Page<DeliveryJson>> {
  if (matches === null) {
    const rows = await deps.store.listDeliveries({ ...query, limit: limit + 1 });
    return pageFrom(await presentDeliveries(rows, deps), limit, ({ id }) => id);
  }
  const found: DeliveryJson[] = [];
  let next = query;
  for (let scanned = 0; scanned < MAX_SCANNED; scanned += CHUNK) {
    const rows = await deps.store.listDeliveries({ ...next, limit: CHUNK });
    found.push(...(await presentDeliveries(rows, deps)).filter(matches));
    if (found.length > limit) return pageFrom(found, limit, ({ id }) => id);
    const last = rows.at(-1);
    if (rows.length < CHUNK || last === undefined) return { data: found, next_cursor: null };
    next = { ...query, before: last.id };
  }
  return { data: found, next_cursor: next.before === undefined ? null : encodeCursor(next.before) };
}
