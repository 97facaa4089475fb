import type { Wake } from '../store.ts';
import { bigintArray } from './array-parameter.ts';
import { begin, firstOf, openPool, type Query, transactOn, writerName } from './database.ts';
import { translate } from './errors.ts';
import { addWakes, takeWakes } from './wake-rows.ts';

const BEGIN = begin({ statement: 4_000, lock: 3_000, idle: 4_000 });
/** A beat that takes longer is too late; the next one has another connection. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Any number, as long as nobody else takes it: whoever takes shards does it alone. */
const TAKING_LOCK = 7_304_912;

/** Renews the node, and shows who is alive and who owns what. Parameters: node, milliseconds, whether it may own, its shards. */
const BEAT = `
  WITH renewed AS (
    INSERT INTO broxi.nodes (id, expires_at) SELECT $1, clock_timestamp() + $2 * interval '1 millisecond' WHERE $3
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
  )
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
    ARRAY(SELECT id FROM broxi.nodes WHERE expires_at > clock_timestamp()) AS nodes,
    ARRAY(SELECT node_id FROM broxi.shards ORDER BY number) AS owners,
    EXISTS (SELECT 1 FROM broxi.wakes WHERE shard = ANY ($4::bigint[])) AS "hasWakes"`;

/** What nobody alive has. In a later statement than the lock: so it sees whoever took something before. */
const TAKE = `
  UPDATE broxi.shards s SET node_id = $1
  WHERE number = ANY ($2::bigint[]) AND NOT EXISTS (
    SELECT 1 FROM broxi.nodes n WHERE n.id = s.node_id AND n.id <> $1 AND n.expires_at > clock_timestamp())
  RETURNING number::bigint`;

/** Does nothing once its time is over. Parameters: node, shard, milliseconds since the epoch. */
const GIVE_UP = `
  UPDATE broxi.shards SET node_id = NULL
  WHERE node_id = $1 AND number = $2 AND clock_timestamp() < to_timestamp($3::float8 / 1000)`;

const RESIGN = `
  WITH gone AS (DELETE FROM broxi.nodes WHERE id = $1 OR expires_at < clock_timestamp() - interval '1 day')
  UPDATE broxi.shards SET node_id = NULL WHERE node_id = $1`;

/**
 * Ends the transactions of nodes whose time is over. One that was cut off when PostgreSQL had a statement, and not the Sync that ends
 * it, would hold its locks for hours: that is neither idle nor a statement that takes too long.
 */
const END_LEFT_OPEN = `
  SELECT pg_terminate_backend(a.pid) FROM broxi.nodes n JOIN pg_stat_activity a ON a.application_name = '${writerName('')}' || n.id
  WHERE n.expires_at < clock_timestamp() AND a.xact_start < clock_timestamp() - interval '5 seconds'
    AND a.datname = current_database() AND a.usename = current_user`;

/**
 * What nodes that share a database know of each other through it. Each call is a transaction of its own, and one that rejects
 * may have been done all the same.
 */
export interface SharedTables {
  /** Renews a node for `expiresMs` if it may own something, and shows what there is. */
  beat(node: { id: string; isOwner: boolean; expiresMs: number; owned: readonly number[] }): Promise<Beat>;
  /** Takes shards that nobody alive has, and ends what their former nodes left open. @returns those that it got */
  take(nodeId: string, shards: readonly number[]): Promise<number[]>;
  /** @param by an instant of the database's clock, from which on it does nothing: the node may have the shard again by then */
  giveUp(nodeId: string, shard: number, by: number): Promise<void>;
  /** Gives up everything, and is no node any more. */
  resign(nodeId: string): Promise<void>;
  addWakes(wakes: readonly Wake[]): Promise<void>;
  /**
   * Takes away the news of shards that the node really has.
   * @param told gets it before its rows are gone for good: where nobody knows whether they are, it was not lost
   */
  takeWakes(nodeId: string, shards: readonly number[], told: (wakes: readonly Wake[]) => void): Promise<void>;
  close(): Promise<void>;
}

/** What one beat shows. */
export interface Beat {
  /** Milliseconds since the epoch, by the clock of the database. */
  now: number;
  /** Those that are alive. */
  nodes: readonly string[];
  /** By shard; null: nobody's. */
  owners: readonly (string | null)[];
  /** There is news of the node's shards. */
  hasWakes: boolean;
}

/** On connections of their own, so that no commit and no list holds up the beat. */
export function openSharedTables(url: string): SharedTables & { query: Query } {
  const pool = openPool(url, 2, { answerTimeoutMs: ANSWER_TIMEOUT_MS });
  const query: Query = async (text, values = []) => {
    try {
      return (await pool.query(text, [...values])).rows;
    } catch (error) {
      throw translate(error);
    }
  };
  const transact = <Result>(work: (query: Query) => Promise<Result>) => transactOn(pool, BEGIN, work);
  return {
    query,
    async beat({ id, isOwner, expiresMs, owned }) {
      const beat = firstOf(await query<Beat>(BEAT, [id, expiresMs, isOwner, bigintArray(owned)]));
      if (beat === null) throw new Error('a beat is answered');
      return beat;
    },
    async take(nodeId, shards) {
      const rows = await transact(async (query) => {
        await query('SELECT pg_advisory_xact_lock($1)', [TAKING_LOCK]);
        return await query<{ number: number }>(TAKE, [nodeId, bigintArray(shards)]);
      });
      if (rows.length > 0) await query(END_LEFT_OPEN);
      return rows.map(({ number }) => number);
    },
    async giveUp(nodeId, shard, by) {
      await query(GIVE_UP, [nodeId, shard, by]);
    },
    async resign(nodeId) {
      await query(RESIGN, [nodeId]);
    },
    addWakes: (wakes) => transact((query) => addWakes(query, wakes)),
    takeWakes: (nodeId, shards, told) => transact(async (query) => told(await takeWakes(query, nodeId, shards))),
    close: () => pool.end(),
  };
}
