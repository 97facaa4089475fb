import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Clock, systemClock } from '../../clock.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../../test/wait-until.ts';
import { answered, nextAttempt, plannedEvent, sampleAudit, sampleChange, submission } from '../conformance/samples.ts';
import type { Store } from '../store.ts';
import { SHARDS } from './shards.ts';
import { LANES, laneOf, Nodes, ownedBy, REBALANCED_MS, rebalanced, wakesOf } from './test-nodes.ts';

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

/** A clock whose timers can be stopped, as those of a process that is stopped by a signal. */
function stoppableClock(): Clock & { stop(): void; go(): void } {
  let held: (() => void)[] | null = null;
  return {
    ...systemClock,
    after: (delayMs, action) => {
      let isCancelled = false;
      const act = () => {
        if (!isCancelled) action();
      };
      const cancel = systemClock.after(delayMs, () => (held === null ? act() : held.push(act)));
      return () => {
        isCancelled = true;
        cancel();
      };
    },
    stop: () => {
      held ??= [];
    },
    go() {
      const late = held ?? [];
      held = null;
      for (const act of late) act();
    },
  };
}

describe('ownership of lanes', () => {
  let nodes: Nodes;
  before(async () => {
    nodes = await Nodes.begin(postgres);
  });
  after(() => nodes.end());

  it('is one node’s alone as soon as it is opened, is shared when others come, and comes back when they go', async () => {
    const first = await nodes.open();
    assert.equal(ownedBy(first).length, LANES.length);
    const second = await nodes.open();
    assert.equal(ownedBy(second).length, 0);
    await rebalanced([first, second]);
    const third = await nodes.open();
    await rebalanced([first, second, third]);
    await nodes.close(second);
    await rebalanced([first, third]);
    await nodes.close(first);
    await rebalanced([third]);
    await nodes.close(third);
  });

  it('waits, for a node that comes, until what is in the air has landed', async () => {
    const first = await nodes.open();
    const landed = Promise.withResolvers<void>();
    let isAsked = false;
    first.onOwnership({
      gained() {},
      async letGo() {
        isAsked = true;
        await landed.promise;
      },
    });
    const second = await nodes.open();
    await waitUntil('it is asked to let go', () => isAsked, REBALANCED_MS);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.equal(ownedBy(second).length, 0);
    assert.ok(ownedBy(first).length < LANES.length, 'it starts nothing of them any more');
    landed.resolve();
    await rebalanced([first, second]);
    await nodes.close(first);
    await nodes.close(second);
  });

  it('lapses by a node’s own clock before another takes over, and the node gets its share back when it goes on', async () => {
    const clock = stoppableClock();
    const sleeper = await nodes.open({ leaseClock: clock });
    const other = await nodes.open();
    await rebalanced([sleeper, other]);
    clock.stop();
    await waitUntil(
      'the other has all of them',
      () => {
        const [mine, theirs] = [ownedBy(sleeper), ownedBy(other)];
        assert.ok(!theirs.some((lane) => mine.includes(lane)), 'no lane has two owners');
        return theirs.length === LANES.length;
      },
      15_000,
    );
    const lane = laneOf(other);
    await other.record(submission([plannedEvent([lane])]));
    const [delivery] = await sleeper.readDue({ lane, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 1 });
    assert.ok(delivery);
    const settlement = {
      delivery,
      attempt: nextAttempt(delivery, answered(200)),
      next: { state: 'delivered' } as const,
      destination: null,
    };
    assert.equal(await sleeper.settle(settlement), false, 'it is another’s');
    assert.equal(await other.settle(settlement), true);
    clock.go();
    await rebalanced([sleeper, other]);
    await nodes.close(sleeper);
    await nodes.close(other);
  });

  it('never comes to a node that does not send', async () => {
    const api = await nodes.open({ isOwner: false });
    const sender = await nodes.open();
    await rebalanced([sender]);
    assert.equal(ownedBy(api).length, 0);
    const heard = wakesOf(sender);
    const lane = laneOf(sender);
    await api.record(submission([plannedEvent([lane])]));
    await waitUntil('its news arrives', () => heard.length > 0, 5_000);
    assert.deepEqual(heard[0]?.lane, lane);
    await nodes.close(api);
    await nodes.close(sender);
  });

  it('costs a node at rest no more than two statements a second', async () => {
    const store = await nodes.open();
    const count = async () => {
      await nodes.query('SELECT pg_stat_force_next_flush()').catch(() => []);
      const [row] = await nodes.query<{ xacts: string }>(
        'SELECT xact_commit + xact_rollback AS xacts FROM pg_stat_database WHERE datname = current_database()',
      );
      return Number(row?.xacts);
    };
    const before = await count();
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    assert.ok((await count()) - before <= 12, 'of the node, and of who counts');
    await nodes.close(store);
  });
});

describe('news between nodes', () => {
  let nodes: Nodes;
  let here: Store;
  let there: Store;
  before(async () => {
    nodes = await Nodes.begin(postgres);
    [here, there] = [await nodes.open(), await nodes.open()];
    await here.ensureWorkspace({ id: 'ws_1', name: 'default' });
    await rebalanced([here, there]);
  });
  after(() => nodes.end());

  it('tells the owner of what was taken in elsewhere, soon, and nobody else', async () => {
    const lane = laneOf(there);
    const [heardHere, heardThere] = [wakesOf(here), wakesOf(there)];
    const startedAt = performance.now();
    await here.record(submission([plannedEvent([lane])]));
    await waitUntil('it is heard', () => heardThere.length > 0, 5_000);
    assert.ok(performance.now() - startedAt < 1_000, 'long before the next beat');
    const [due] = await there.readDue({ lane, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 9 });
    assert.ok(due);
    assert.deepEqual(heardThere, [
      {
        lane,
        first: { dueAt: due.dueAt, seq: due.seq },
        handedOver: null,
        recovered: false,
        gathering: null,
        putBack: new Set(),
        freed: new Set(),
        changed: false,
      },
    ]);
    assert.deepEqual(heardHere, []);
    assert.deepEqual(await nodes.query('SELECT * FROM broxi.wakes'), []);
  });

  it('tells of what was put back, and of webhooks that were changed', async () => {
    const lane = laneOf(there);
    const before = wakesOf(there);
    await here.record(submission([plannedEvent([lane], { ids: ['del_back'] })]));
    await here.cancel({ lane, deliveryId: 'del_back', limit: 1, reason: 'test' });
    await waitUntil('the first news is heard', () => before.some(({ first }) => first !== null), 5_000);
    const heard = wakesOf(there);
    await here.requeue(lane, 'del_back');
    await here.putWebhook(sampleChange(lane));
    await here.changeHold({ lane, change: 'pause', audit: sampleAudit('ws_1') });
    await waitUntil(
      'all of it is heard',
      () => heard.some(({ recovered }) => recovered) && heard.some(({ changed }) => changed),
      5_000,
    );
    assert.ok(heard.every((wake) => wake.first === null || wake.recovered));
  });

  it('tells of runs that go on, whatever they are named, and of what waits for company', async () => {
    const lane = laneOf(there);
    const run = 'run \0 \\0 "1"';
    const planned = plannedEvent([lane], { ids: ['del_in_run'] });
    const deliveries = planned.deliveries.map((each) => ({ ...each, run }));
    await here.record(submission([{ ...planned, deliveries }]));
    const heard = wakesOf(there);
    await here.cancel({ lane, deliveryId: 'del_in_run', limit: 1, reason: 'test' });
    await here.requeue(lane, 'del_in_run');
    const gathers = plannedEvent([lane]);
    await here.record(
      submission([{ ...gathers, deliveries: gathers.deliveries.map((each) => ({ ...each, gathers: true })) }]),
    );
    const [member] = await there.readGathering({ lane, after: null, limit: 1 });
    assert.ok(member);
    await waitUntil('all of it is heard', () => heard.some(({ gathering }) => gathering !== null), 5_000);
    assert.deepEqual(
      heard.flatMap(({ freed }) => [...freed]),
      [run],
    );
    assert.deepEqual(
      heard.flatMap(({ putBack }) => [...putBack]),
      [run],
    );
    const places = heard.flatMap(({ gathering }) => (gathering === null ? [] : [gathering]));
    assert.deepEqual(places, [{ dueAt: member.dueAt, seq: member.seq }]);
  });

  it('names a place before what was read last, where another transaction ends after one that began later', async () => {
    const lane = laneOf(there);
    await nodes.query(`
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$`);
    await nodes.query(`CREATE TRIGGER slow AFTER INSERT ON broxi.wakes EXECUTE FUNCTION slow()`);
    const heard = wakesOf(there);
    const slow = here.record(submission([plannedEvent([lane], { ids: ['del_slow'] })]));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await there.record(submission([plannedEvent([lane], { ids: ['del_quick'] })]));
    const everything = { lane, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 99 } as const;
    const quick = (await there.readDue(everything)).find(({ id }) => id === 'del_quick');
    assert.ok(quick);
    await slow;
    // Before the quick one, which was there first.
    const slowOne = () => heard.find(({ first }) => first !== null && first.seq < quick.seq)?.first;
    await waitUntil('the slow one is heard of', () => slowOne() !== undefined, 5_000);
    const place = slowOne();
    assert.ok(place);
    const after = { dueAt: place.dueAt, seq: place.seq - 1 };
    const [found] = await there.readDue({ ...everything, after });
    assert.equal(found?.id, 'del_slow');
    await nodes.query('DROP FUNCTION slow CASCADE');
  });

  it('is taken by nobody but the owner, whatever another believes', async () => {
    const lane = laneOf(there);
    // As if it had just moved here: the node that had it does not know it yet.
    const moved = await nodes.query<{ node_id: string }>(
      `SELECT DISTINCT node_id FROM broxi.shards WHERE node_id IS NOT NULL`,
    );
    assert.equal(moved.length, 2);
    const heard = wakesOf(there);
    const counts = await nodes.query<{ number: number; node_id: string }>('SELECT * FROM broxi.shards ORDER BY number');
    assert.equal(counts.length, SHARDS);
    await nodes.query('UPDATE broxi.shards SET node_id = $$node_elsewhere$$');
    await here.record(submission([plannedEvent([lane])]));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(heard, []);
    const left = await nodes.query('SELECT 1 FROM broxi.wakes');
    assert.equal(left.length, 1);
    await rebalanced([here, there]);
  });
});
