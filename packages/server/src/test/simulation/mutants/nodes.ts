import type { Mutant } from '../mutant.ts';

/** Of several nodes on one database. */
export const NODES: readonly Mutant[] = [
  {
    name: 'several nodes: an outcome is written without the fence',
    file: 'test/simulation/store/memory-queue.ts',
    find: '!isOurs(lane) || ',
    replace: '',
  },
  {
    name: 'several nodes: a lane is owned for as long as nobody says otherwise',
    file: 'store/postgres/membership.ts',
    find: 'return this.#isAlive && this.#owned.has(shardOf(lane));',
    replace: 'return this.#owned.has(shardOf(lane));',
  },
  {
    name: 'several nodes: a lease is reckoned from the answer',
    file: 'store/postgres/membership.ts',
    find: 'this.#renewed(askedAt + ',
    replace: 'this.#renewed(clock.monotonic() + ',
  },
  {
    name: 'several nodes: a lease is as long here as at the database',
    file: 'store/postgres/membership.ts',
    find: 'EXPIRES_MS - MARGIN_MS',
    replace: 'EXPIRES_MS + MARGIN_MS',
  },
  {
    name: 'several nodes: shards are taken from the living',
    file: 'test/simulation/store/memory-shared-tables.ts',
    find: 'if (owner !== null && owner !== nodeId && isAlive(owner)) return false;',
    replace: '',
  },
  {
    name: 'several nodes: nodes that are taken for dead are counted',
    file: 'store/postgres/shards.ts',
    find: 'owner === null || !alive.has(owner)',
    replace: 'owner === null || alive.size === 0',
  },
  {
    name: 'several nodes: a shard is given up while something is in the air',
    file: 'store/postgres/membership.ts',
    find: `    listener
      .letGo(isIn(new Set([number])))
      .then(`,
    replace: `    Promise.all([Promise.resolve(), void listener.letGo(isIn(new Set([number])))])
      .then(`,
  },
  {
    name: 'several nodes: nobody gives up anything for one that comes',
    file: 'store/postgres/shards.ts',
    find: 'giveUp: mine.slice(share)',
    replace: 'giveUp: []',
  },
  {
    name: 'several nodes: a stop gives up nothing',
    file: 'store/postgres/membership.ts',
    find: 'await this.#options.tables.resign(this.#options.nodeId)',
    replace: 'await Promise.resolve()',
  },
  {
    name: 'several nodes: due times are of the clock of a node',
    file: 'store/postgres/database-clock.ts',
    find: 'Math.round(base.now() + aheadMs)',
    replace: 'Math.round(base.now() + 0 * aheadMs)',
  },
  {
    name: 'several nodes: a beat does not look for news',
    file: 'store/postgres/cluster.ts',
    find: 'if (hasWakes) this.#take();',
    replace: 'void hasWakes;',
  },
  {
    name: 'several nodes: news that was committed as its lane went away is not written',
    file: 'store/postgres/cluster.ts',
    find: 'this.#addLate(others.filter(isLate));',
    replace: '',
  },
  {
    name: 'several nodes: what others sent is not counted',
    file: 'deliver/lane-reader.ts',
    find: 'const sent = await queue.exchangesSince(lane.id, now - limit.period * 1000);',
    replace: 'const sent: number[] = [];',
  },
  {
    name: 'several nodes: nothing is swept when lanes come',
    file: 'deliver/engine.ts',
    find: 'if (this.#running) void this.#sweep();',
    replace: '',
  },
  {
    name: 'several nodes: news for others is not written',
    file: 'test/simulation/store/memory-shared-tables.ts',
    find: 'for (const wake of wakes) {',
    replace: 'for (const wake of wakes.slice(0, 0)) {',
  },
  {
    name: 'several nodes: a lane that was let go is gone on with',
    file: 'deliver/engine.ts',
    find: 'for (const lane of lost) this.#leave(lane);',
    replace: '',
  },
];
