import { laneKey } from '../../domain/webhook.ts';
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
  return togetherByLane(rows.map(wakeFromRow));
}

/** One for each lane, of all that is told of it. */
export function togetherByLane(wakes: readonly Wake[]): Wake[] {
  return [...Map.groupBy(wakes, ({ lane }) => laneKey(lane)).values()].flatMap(together);
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

function wakeFromRow(row: WakeRow): Wake {
  return {
    lane: { workspaceId: row.workspace_id, webhookId: row.webhook_id },
    first: placeOf(row.due_at, row.seq),
    handedOver: null,
    recovered: row.recovered,
    gathering: placeOf(row.gathering_due_at, row.gathering_seq),
    putBack: runsOf(row.put_back),
    freed: runsOf(row.freed),
    changed: row.changed,
  };
}

function placeOf(dueAt: number | null, seq: number | null): Position | null {
  return dueAt === null || seq === null ? null : { dueAt, seq };
}

function runsOf(text: string): ReadonlySet<string> {
  return new Set(JSON.parse(text) as string[]);
}

function together(wakes: readonly Wake[]): Wake[] {
  const [wake] = wakes;
  if (wake === undefined) return [];
  return [
    {
      lane: wake.lane,
      first: firstPlace(wakes.map(({ first }) => first)),
      handedOver: null,
      recovered: wakes.some(({ recovered }) => recovered),
      gathering: firstPlace(wakes.map(({ gathering }) => gathering)),
      putBack: new Set(wakes.flatMap(({ putBack }) => [...putBack])),
      freed: new Set(wakes.flatMap(({ freed }) => [...freed])),
      changed: wakes.some(({ changed }) => changed),
    },
  ];
}

/** Of those that are known. */
function firstPlace(places: readonly (Position | null)[]): Position | null {
  const known = places.filter((place) => place !== null);
  return known.toSorted((one, other) => one.dueAt - other.dueAt || one.seq - other.seq)[0] ?? null;
}
