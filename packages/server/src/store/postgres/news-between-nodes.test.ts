import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFakeClock } from '../../test/fake-clock.ts';
import type { QueuedDelivery, Wake } from '../store.ts';
import { WakeList } from '../wake-list.ts';
import { Cluster } from './cluster.ts';
import { SHARDS } from './shards.ts';
import type { SharedTables } from './shared-tables.ts';

const LANE = { workspaceId: 'ws_1', webhookId: 'wh_1' };

const DELIVERY: QueuedDelivery = {
  ...{ lane: LANE, seq: 1, id: 'del_1', class: 0, dueAt: 5, createdAt: 5, origin: 'event', attempts: 0, seriesFrom: 0 },
  ...{ route: null, run: null, atFallback: false, payload: 'full' },
  event: { id: 'evt_1', type: 'workflow.started', occurredAt: 5, dataText: '{}' },
};

function wakesOf(note: (list: WakeList) => void): readonly Wake[] {
  const list = new WakeList();
  note(list);
  return list.take();
}

/** A node whose database shows what a test says. */
function openCluster(tables: Partial<SharedTables> = {}) {
  const clock = createFakeClock();
  const owners: (string | null)[] = Array.from({ length: SHARDS }, () => 'node_1');
  const nodes = ['node_1'];
  const heard: Wake[] = [];
  const errors: unknown[] = [];
  const cluster = new Cluster({
    ...{ nodeId: 'node_1', isOwner: true, clock },
    tables: {
      beat: async () => ({ now: clock.now(), nodes: [...nodes], owners: [...owners], hasWakes: true }),
      ...{ take: async () => [], giveUp: async () => {}, resign: async () => {} },
      ...{ addWakes: async () => {}, takeWakes: async () => {}, close: async () => {} },
      ...tables,
    },
    openBell: () => ({ start() {}, ring() {}, stop: async () => {} }),
    ...{ onWake: (wakes) => heard.push(...wakes), onTime() {}, onError: (error) => errors.push(error) },
  });
  return { clock, owners, nodes, cluster, heard, errors };
}

it('writes that a webhook was changed, whoever owns it, and of the rest what is for others', async () => {
  const { cluster } = openCluster();
  const changed = wakesOf((list) => list.add(LANE, 'changed'));
  const putBack = wakesOf((list) => list.add(LANE, 'recovered'));
  const written = () => cluster.announce([...changed, ...putBack]).forOthers;
  assert.deepEqual(written(), [...changed, ...putBack], 'it owns nothing yet');
  await cluster.start();
  assert.ok(cluster.owns(LANE));
  assert.deepEqual(written(), changed);
  await cluster.stop();
});

it('hears the news that it took, although nobody knows whether its rows are gone', async () => {
  const taken = wakesOf((list) => list.add(LANE, 'changed'));
  const { clock, cluster, heard, errors } = openCluster({
    async takeWakes(_, __, told) {
      told(taken);
      throw new Error('the connection was lost during the commit');
    },
  });
  await cluster.start();
  await clock.advance(2_000);
  assert.deepEqual(heard.at(0), taken[0]);
  assert.ok(errors.length > 0);
  await cluster.stop();
});

it('hands over what came in, unless another node may have had its lane before the commit was answered', async () => {
  const { clock, owners, cluster, heard } = openCluster();
  await cluster.start();
  const news = () => cluster.announce(wakesOf((list) => list.addFirst(DELIVERY)));
  news().committed();
  assert.deepEqual(heard.at(-1)?.handedOver, [DELIVERY]);
  const late = news();
  owners.fill('node_2');
  await clock.advance(2_000);
  owners.fill('node_1');
  await clock.advance(2_000);
  assert.ok(cluster.owns(LANE), 'it is back');
  late.committed();
  assert.equal(heard.length, 2);
  assert.equal(heard.at(-1)?.handedOver, null);
  assert.deepEqual(heard.at(-1)?.first, { dueAt: DELIVERY.dueAt, seq: DELIVERY.seq });
  await cluster.stop();
});
