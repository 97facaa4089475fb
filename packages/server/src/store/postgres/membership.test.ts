import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import { createFakeClock, type FakeClock } from '../../test/fake-clock.ts';
import type { OwnershipListener } from '../ownership.ts';
import { Membership } from './membership.ts';
import { SHARDS, shardOf } from './shards.ts';
import type { SharedTables } from './shared-tables.ts';

type Tables = Pick<SharedTables, 'beat' | 'take' | 'giveUp' | 'resign'>;

const LANES: readonly Lane[] = Array.from({ length: 300 }, (_, i) => ({ workspaceId: 'ws_1', webhookId: `wh_${i}` }));

/** A database with a node of its own, whose answers a test holds back. */
class Database {
  readonly owners: (string | null)[] = Array.from({ length: SHARDS }, () => null);
  nodes = ['node_1'];
  readonly #clock: FakeClock;
  /** Answers that are on their way. */
  held: (() => void)[] | null = null;
  /** What is on its way to it. */
  late: (() => void)[] | null = null;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get tables(): Tables {
    return {
      beat: async () => ({ now: this.#clock.now(), nodes: this.nodes, owners: [...this.owners], hasWakes: false }),
      take: async (nodeId, shards) => {
        const free = shards.filter((shard) => !this.nodes.includes(this.owners[shard] ?? ''));
        for (const shard of free) this.owners[shard] = nodeId;
        await this.#answered();
        return free;
      },
      giveUp: async (nodeId, shard, by) => {
        const giveUp = () => {
          if (this.owners[shard] === nodeId && this.#clock.now() < by) this.owners[shard] = null;
        };
        if (this.late === null) return giveUp();
        this.late.push(giveUp);
        throw new Error('no answer');
      },
      resign: async () => {},
    };
  }

  #answered(): Promise<void> {
    const { held } = this;
    return held === null ? Promise.resolve() : new Promise((resolve) => held.push(resolve));
  }
}

async function open(): Promise<{ clock: FakeClock; database: Database; membership: Membership }> {
  const clock = createFakeClock();
  const database = new Database(clock);
  const listener: OwnershipListener = { gained() {}, letGo: async () => {} };
  const membership = new Membership({
    ...{ nodeId: 'node_1', isOwner: true, clock, tables: database.tables, listener },
    ...{ onBeat() {}, onShardsFree() {}, onError() {} },
  });
  return { clock, database, membership };
}

describe('membership', () => {
  it('owns nothing that it took before it slept, and others have by now', async () => {
    const { clock, database, membership } = await open();
    const answers: (() => void)[] = [];
    database.held = answers;
    const started = membership.start();
    await clock.advance(10_000);
    // The answer comes when its time is over, and another node has taken all.
    database.nodes = ['node_1', 'node_2'];
    database.owners.fill('node_2');
    for (const answer of answers.splice(0)) answer();
    await started;
    await clock.advance(0);
    assert.equal(membership.owned.length, 0);
    // Half of what that one has is free: a beat renews this one, and its taking takes a while.
    database.owners.fill(null, SHARDS / 2);
    await clock.advance(2_000);
    assert.equal(answers.length, 1, 'it takes its share');
    const owned = LANES.filter((lane) => membership.owns(lane));
    assert.deepEqual(owned, []);
    for (const answer of answers.splice(0)) answer();
    await clock.advance(0);
    assert.ok(LANES.every((lane) => membership.owns(lane) === shardOf(lane) >= SHARDS / 2));
  });

  it('keeps a shard whose giving up comes to the database when nobody waits for that any more', async () => {
    const { clock, database, membership } = await open();
    await membership.start();
    const late: (() => void)[] = [];
    database.late = late;
    database.nodes = ['node_1', 'node_2'];
    await clock.advance(6_000);
    assert.ok(late.length > 0, 'it gives up half of them');
    database.nodes = ['node_1'];
    await clock.advance(4_000);
    for (const giveUp of late) giveUp();
    const owned = LANES.filter((lane) => membership.owns(lane));
    assert.equal(owned.length, LANES.length);
    assert.ok(owned.every((lane) => database.owners[shardOf(lane)] === 'node_1'));
  });
});
