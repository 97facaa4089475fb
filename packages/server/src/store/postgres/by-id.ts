import { textArray } from './array-parameter.ts';
import type { Query, Value } from './database.ts';

/**
 * Whether a row of a workspace has one of some ids; the first four parameters are of {@link oneOf}. The bounds are what days of
 * history are left out by before anything is planned for them; by a join they would all be planned for, and may all be read.
 */
export const IS_ONE_OF = 'workspace_id = $1 AND id = ANY (ARRAY(SELECT unnest($2::text[]))) AND id >= $3 AND id <= $4';

/** @param ids at least one */
export function oneOf(workspaceId: string, ids: readonly string[]): Value[] {
  const [first = '', ...rest] = ids;
  const [least, most] = rest.reduce(([from, to], id) => [id < from ? id : from, id > to ? id : to], [first, first]);
  return [workspaceId, textArray([...new Set(ids)]), least ?? '', most ?? ''];
}

/** Events by their ids. @param columns beside `id` */
export async function eventsById<Row extends { id: string }>(
  query: Query,
  columns: string,
  { workspaceId, ids }: { workspaceId: string; ids: readonly string[] },
): Promise<ReadonlyMap<string, Row>> {
  if (ids.length === 0) return new Map();
  const text = `SELECT id, ${columns} FROM broxi.events WHERE ${IS_ONE_OF}`;
  const rows = await query<Row>(text, oneOf(workspaceId, ids));
  return new Map(rows.map((row) => [row.id, row]));
}
