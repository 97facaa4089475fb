import { shardOf } from '../../../store/postgres/shards.ts';
import type { SharedTables } from '../../../store/postgres/shared-tables.ts';
import { togetherByLane } from '../../../store/postgres/wake-rows.ts';
import type { Wake } from '../../../store/store.ts';
import { ANSWER_TIMEOUT_MS, type Connection } from './connection.ts';
import type { Disk } from './disk.ts';

/** Told of what becomes of shards at the database. */
export interface ShardWatch {
  taken(shard: number, from: string | null, to: string): void;
  givenUp(shard: number, by: string): void;
  /** It was done at the database, and is not answered yet. */
  passed(moment: 'beat' | 'took shards' | 'took news', node: string): void;
}

/** The tables that nodes share, on the simulated disk: each call one statement, as PostgreSQL does it. */
export function memorySharedTables(disk: Disk, connection: Connection, watch: ShardWatch): SharedTables {
  const ask = <Result>(work: () => Result) => connection.ask(work, ANSWER_TIMEOUT_MS.ofCluster);
  const isAlive = (nodeId: string) => (disk.nodes.get(nodeId) ?? 0) > connection.now;
  const giveUp = (nodeId: string, shard: number) => {
    if (disk.shards[shard] !== nodeId) return;
    disk.shards[shard] = null;
    watch.givenUp(shard, nodeId);
  };
  return {
    beat: ({ id, isOwner, expiresMs, owned }) =>
      ask(() => {
        if (isOwner) disk.nodes.set(id, connection.now + expiresMs);
        watch.passed('beat', id);
        return {
          now: Math.floor(connection.now),
          nodes: [...disk.nodes.keys()].filter(isAlive),
          owners: [...disk.shards],
          hasWakes: disk.wakes.all().some(({ shard }) => owned.includes(shard)),
        };
      }),
    take: (nodeId, shards) =>
      ask(() => {
        watch.passed('took shards', nodeId);
        return shards.filter((shard) => {
          const owner = disk.shards[shard] ?? null;
          if (owner !== null && owner !== nodeId && isAlive(owner)) return false;
          disk.shards[shard] = nodeId;
          if (owner !== nodeId) watch.taken(shard, owner, nodeId);
          return true;
        });
      }),
    giveUp: (nodeId, shard, by) =>
      ask(() => {
        if (connection.now < by) giveUp(nodeId, shard);
      }),
    resign: (nodeId) =>
      ask(() => {
        disk.nodes.delete(nodeId);
        for (const shard of disk.shards.keys()) giveUp(nodeId, shard);
      }),
    addWakes: (wakes) =>
      ask(() => {
        disk.journal.begin();
        writeWakes(disk, wakes);
        disk.journal.commit();
        disk.journal.sync(disk.journal.committed);
      }),
    async takeWakes(nodeId, shards, told) {
      const prepared = await ask(() => {
        disk.journal.begin({ notesReads: true });
        const taken: Wake[] = [];
        for (const key of disk.wakes.keys()) {
          const row = disk.wakes.get(key);
          if (row === undefined || disk.shards[row.shard] !== nodeId || !shards.includes(row.shard)) continue;
          disk.wakes.delete(key);
          taken.push(row.wake);
        }
        return { taken, transaction: disk.journal.prepare() };
      });
      told(togetherByLane(prepared.taken));
      await ask(() => {
        prepared.transaction.commit();
        watch.passed('took news', nodeId);
      });
    },
    close: async () => {},
  };
}

/** Inside the open transaction. */
export function writeWakes(disk: Disk, wakes: readonly Wake[]): void {
  for (const wake of wakes) {
    const row = { ...wake, handedOver: null, putBack: new Set(wake.putBack), freed: new Set(wake.freed) };
    disk.wakes.insert(disk.nextWake(), { shard: shardOf(wake.lane), wake: row });
  }
}
