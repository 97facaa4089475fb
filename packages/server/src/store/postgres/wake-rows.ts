import type { Lane } from '../../domain/webhook.ts';
import type { Position, Wake } from '../store.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import type { Query } from './database.ts';
import { shardOf } from './shards.ts';

const COLUMNS = `shard, workspace_id, webhook_id, due_at, seq, gathering_due_at, gathering_seq, recovered, changed, put_back,
  freed`;

/**
 * News for the owner of a lane on another node. A row of it is committed with what it tells of, so whoever takes it, and
 * reads the queue in a later statement, finds that. `due_at` and `seq` are of the first of the first attempts that came in,
 * and the others like them of what came in to wait for company: the other node's sequence numbers may be lower than what the owner has read by now, for it was in the middle of its
 * transaction then.
 */
const ADD = `
  INSERT INTO broxi.wakes (${COLUMNS})
  SELECT shard, workspace_id, webhook_id, due_at, seq, gathering_due_at, gathering_seq, recovered = 1, changed = 1, put_back, freed
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
      $9::bigint[], $10::text[], $11::text[]) AS w (${COLUMNS})`;

/**
 * Only what is of shards that this node really has: a node that lost one, and does not know it yet, must not take away what
 * the next owner is told.
 */
const TAKE = `
  DELETE FROM broxi.wakes w USING broxi.shards s WHERE s.number = w.shard AND s.node_id = $1 AND w.shard = ANY ($2::bigint[])
  RETURNING w.*`;

export async function addWakes(query: Query, wakes: readonly Wake[]): Promise<void> {
  const lanes = wakes.map(({ lane }) => lane);
  await query(ADD, [
    bigintArray(lanes.map(shardOf)),
    textArray(lanes.map(({ workspaceId }) => workspaceId)),
    textArray(lanes.map(({ webhookId }) => webhookId)),
    bigintArray(wakes.map(({ first }) => first?.dueAt ?? null)),
    bigintArray(wakes.map(({ first }) => first?.seq ?? null)),
    bigintArray(wakes.map(({ gathering }) => gathering?.dueAt ?? null)),
    bigintArray(wakes.map(({ gathering }) => gathering?.seq ?? null)),
    bigintArray(wakes.map(({ recovered }) => Number(recovered))),
    bigintArray(wakes.map(({ changed }) => Number(changed))),
    textArray(wakes.map(({ putBack }) => JSON.stringify([...putBack]))),
    textArray(wakes.map(({ freed }) => JSON.stringify([...freed]))),
  ]);
}

/** Takes the news of these shards, one for each lane. */
export async function takeWakes(query: Query, nodeId: string, shards: readonly number[]): Promise<Wake[]> {
  const rows = await query<WakeRow>(TAKE, [nodeId, bigintArray(shards)]);
  const byLane = Map.groupBy(rows, (row) => JSON.stringify([row.workspace_id, row.webhook_id]));
  return [...byLane.values()].map(together);
}

interface WakeRow {
  workspace_id: string;
  webhook_id: string;
  due_at: number | null;
  seq: number | null;
  gathering_due_at: number | null;
  gathering_seq: number | null;
  recovered: boolean;
  changed: boolean;
  put_back: string;
  freed: string;
}

function together(rows: readonly WakeRow[]): Wake {
  const [row] = rows;
  const lane: Lane = { workspaceId: row?.workspace_id ?? '', webhookId: row?.webhook_id ?? '' };
  return {
    lane,
    first: firstPlace(rows.map(({ due_at: dueAt, seq }) => ({ dueAt, seq }))),
    handedOver: null,
    recovered: rows.some(({ recovered }) => recovered),
    gathering: firstPlace(rows.map((each) => ({ dueAt: each.gathering_due_at, seq: each.gathering_seq }))),
    putBack: runsOf(rows.map(({ put_back: runs }) => runs)),
    freed: runsOf(rows.map(({ freed }) => freed)),
    changed: rows.some(({ changed }) => changed),
  };
}

function runsOf(texts: readonly string[]): ReadonlySet<string> {
  return new Set(texts.flatMap((text) => JSON.parse(text) as string[]));
}

/** Of those that are known. */
function firstPlace(places: readonly { dueAt: number | null; seq: number | null }[]): Position | null {
  const known = places.flatMap(({ dueAt, seq }) => (dueAt === null || seq === null ? [] : [{ dueAt, seq }]));
  return known.toSorted((one, other) => one.dueAt - other.dueAt || one.seq - other.seq)[0] ?? null;
}
