import { type Lane, laneKey } from '../../domain/webhook.ts';

/**
 * Lanes are owned in shards: a node that comes or goes moves a few rows, however many lanes there are. The number is part
 * of the schema; it bounds how many nodes can share the work.
 */
export const SHARDS = 64;

/** FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** Which shard a lane is in: the same on every node and in every version. */
export function shardOf(lane: Lane): number {
  let hash = OFFSET_BASIS;
  for (const byte of Buffer.from(laneKey(lane))) hash = Math.imul(hash ^ byte, PRIME);
  return (hash >>> 0) % SHARDS;
}

/** What a node sees of the others. */
export interface ShardView {
  me: string;
  /** Those that are alive, me among them. */
  nodes: readonly string[];
  /** By shard; null: nobody's. */
  owners: readonly (string | null)[];
}

/**
 * Pure: what a node is to take, and to give up, so that all have about as many. A node gives up what it has too much of, and
 * takes only what nobody alive has; so all of them come to the same end, whoever looks first.
 */
export function planShards({ me, nodes, owners }: ShardView): { take: number[]; giveUp: number[] } {
  const alive = new Set(nodes);
  const mine = numbersOf(owners, (owner) => owner === me);
  const free = numbersOf(owners, (owner) => owner === null || !alive.has(owner));
  const share = shareOf(me, nodes);
  return { take: free.slice(0, Math.max(0, share - mine.length)), giveUp: mine.slice(share) };
}

/** Some have one more than others where it does not come out even: the first by their ids. */
function shareOf(me: string, nodes: readonly string[]): number {
  const rank = nodes.toSorted().indexOf(me);
  return Math.floor(SHARDS / nodes.length) + (rank < SHARDS % nodes.length ? 1 : 0);
}

function numbersOf(owners: readonly (string | null)[], isMeant: (owner: string | null) => boolean): number[] {
  return owners.flatMap((owner, number) => (isMeant(owner) ? [number] : []));
}
