import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newId } from '../../ids.ts';
import { planShards, SHARDS, shardOf } from './shards.ts';

const NODES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

test('a lane is in the same shard for ever', () => {
  const lane = { workspaceId: 'ws_0199', webhookId: 'wh_0199' };
  assert.equal(shardOf(lane), 39);
  assert.equal(shardOf({ ...lane }), shardOf(lane));
});

test('lanes are spread over all shards', () => {
  const counts = Array.from({ length: SHARDS }, () => 0);
  for (let i = 0; i < 6_400; i += 1) {
    const shard = shardOf({ workspaceId: newId('ws'), webhookId: newId('wh') });
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  assert.ok(Math.min(...counts) > 50 && Math.max(...counts) < 160, counts.join(' '));
});

test('whoever is alive, and whoever looks in whatever order, each comes to its share, and moves no more than it must', () => {
  const owner = fc.option(fc.constantFrom(...NODES));
  const start = fc.array(owner, { minLength: SHARDS, maxLength: SHARDS });
  const alive = fc.uniqueArray(fc.constantFrom(...NODES), { minLength: 1 });
  fc.assert(
    fc.property(start, alive, fc.infiniteStream(fc.nat()), (owners, nodes, order) => {
      const before = [...owners];
      for (let round = 0; round < 4 * nodes.length; round += 1) {
        const turns = nodes.toSorted(() => ((order.next().value ?? 0) % 2 === 0 ? -1 : 1));
        for (const me of turns) {
          const { take, giveUp } = planShards({ me, nodes, owners });
          for (const number of take) {
            assert.ok(!nodes.includes(owners[number] ?? ''), 'nothing is taken from the living');
            owners[number] = me;
          }
          for (const number of giveUp) {
            assert.equal(owners[number], me);
            owners[number] = null;
          }
        }
      }
      const counts = nodes.map((node) => owners.filter((each) => each === node).length);
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        SHARDS,
      );
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join(' '));
      for (const [i, node] of nodes.entries()) {
        const had = before.filter((each) => each === node).length;
        const kept = before.filter((each, number) => each === node && owners[number] === node).length;
        assert.equal(kept, Math.min(had, counts[i] ?? 0), 'what it may keep it keeps');
      }
    }),
  );
});
