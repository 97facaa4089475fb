import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueuedDelivery } from '../store/store.ts';
import { Lane } from './lane.ts';
import { RunOrder } from './run-order.ts';
import { laneOf, TEST_TEMPLATE, testWebhook } from './test-delivery.ts';

const webhook = testWebhook({ ordering: 'run', max_concurrency: 4 });

function queued(seq: number, run: string | null, changes: Partial<QueuedDelivery> = {}): QueuedDelivery {
  return {
    lane: laneOf(webhook),
    seq,
    id: `del_${seq}`,
    class: 0,
    dueAt: 1_000 + seq,
    createdAt: 0,
    origin: 'event',
    attempts: 0,
    seriesFrom: 0,
    route: null,
    run,
    atFallback: false,
    payload: 'full',
    event: { id: 'evt_1', type: 'workflow.started', occurredAt: 0, dataText: '{}' },
    ...changes,
  };
}

function openOrder(): RunOrder {
  const order = new RunOrder();
  order.ordering = { by: 'run', on_exhausted: 'block' };
  return order;
}

function openLane() {
  const memory = { bytes: 0 };
  const lane = new Lane(laneOf(webhook), memory);
  const configure = (changed = webhook) =>
    lane.configure({ webhook: changed, hold: lane.hold, destinations: new Map() }, TEST_TEMPLATE, 0);
  configure();
  for (const each of lane.classesToRead()) lane.beginRead(each);
  return { lane, memory, configure };
}

/** All that can be started now. */
function takeAll(lane: Lane): number[] {
  const taken: number[] = [];
  for (let next = lane.take(0); next !== undefined; next = lane.take(0)) taken.push(next.seq);
  return taken;
}

test('a run that is held is looked at when it is free again, if another one of it was refused', () => {
  const order = openOrder();
  order.hold(queued(1, 'a'));
  order.hold(queued(2, 'b'));
  order.want('a');
  assert.deepEqual(order.take(9), []);
  order.release('del_1');
  order.release('del_2');
  assert.deepEqual(order.take(9), ['a']);
  assert.equal(order.toLookAt, 0);
});

test('what is put back is looked at where its run is held, for it may go before what holds it', () => {
  const order = openOrder();
  order.hold(queued(1, 'b'));
  for (const run of ['a', 'b', 'c']) order.lookIfHeld(run);
  assert.deepEqual(order.take(9), ['b']);
  for (const run of ['a', 'b', 'c']) order.lookAt(run);
  assert.deepEqual([order.take(2), order.take(2), order.take(2)], [['a', 'b'], ['c'], []]);
});

test('without an order nothing is looked at and nothing refused, but who holds a run is known', () => {
  const order = new RunOrder();
  order.hold(queued(1, 'a'));
  order.hold(queued(2, 'a'));
  order.lookAt('a');
  assert.deepEqual([order.holderAgainst(queued(3, 'a')), order.toLookAt], [undefined, 0]);
  order.ordering = { by: 'run', on_exhausted: 'skip' };
  order.release('del_2');
  assert.equal(order.holderAgainst(queued(3, 'a'))?.id, 'del_1');
  order.release('del_1');
  assert.equal(order.holderAgainst(queued(3, 'a')), undefined);
});

test('one of a run is in memory at a time, and an earlier one takes the place of one that only waits', () => {
  const { lane, memory } = openLane();
  lane.admit([queued(2, 'a'), queued(3, 'a'), queued(4, 'b'), queued(5, null), queued(6, null)]);
  const { bytes } = memory;
  lane.admit([queued(1, 'a', { class: 2, dueAt: 9_000 })]);
  assert.equal(memory.bytes, bytes);
  assert.deepEqual(takeAll(lane), [4, 5, 6, 1]);
  lane.admit([queued(2, 'a')]);
  assert.deepEqual(takeAll(lane), []);
});

test('an earlier one waits for one that is in the air, or whose outcome is being written', () => {
  const { lane } = openLane();
  const later = queued(2, 'a');
  lane.admit([later]);
  assert.deepEqual(takeAll(lane), [2]);
  lane.admit([queued(1, 'a')]);
  lane.landed(later);
  lane.admit([queued(1, 'a')]);
  assert.deepEqual([takeAll(lane), lane.takeRuns(9)], [[], []]);
  lane.forget(later.id);
  assert.deepEqual(lane.takeRuns(9), ['a']);
});

test('what is read while one is being cancelled is read again after that, but for what is in no run', () => {
  const { lane } = openLane();
  lane.reserve('del_1');
  lane.markUnread(0);
  assert.deepEqual([lane.classesToRead(), lane.takeRuns(9)], [[], []]);
  // It was under way.
  lane.admit([queued(2, 'a'), queued(3, null)]);
  assert.deepEqual([takeAll(lane), lane.takeRuns(9)], [[3], []]);
  lane.unreserve('del_1', { isOver: true });
  assert.deepEqual([lane.classesToRead(), lane.takeRuns(9)], [[0], ['a']]);
});

test('news is not taken for the head of its run: the queue is asked', () => {
  const { lane } = openLane();
  assert.equal(lane.accept([queued(1, null), queued(2, 'a'), queued(3, 'a'), queued(4, 'b')]), true);
  assert.deepEqual(takeAll(lane), [1]);
  assert.deepEqual(lane.takeRuns(9), ['a', 'b']);
  assert.deepEqual(lane.cursor(0), { dueAt: 1_004, seq: 4 });
});

test('what is due first goes first, however it was read; a line that is not empty is read on if that may be unread', () => {
  const { lane } = openLane();
  lane.admit([queued(9, 'a'), queued(4, 'b'), queued(6, null)]);
  lane.markUnread(0);
  assert.deepEqual(lane.classesToRead(), [0]);
  lane.beginRead(0);
  lane.add(0, [queued(3, 'c')], { full: true, through: { dueAt: 1_005, seq: 5 } });
  assert.deepEqual(lane.classesToRead(), []);
  assert.equal(lane.take(0)?.seq, 3);
  assert.equal(lane.take(0)?.seq, 4);
  assert.deepEqual(lane.classesToRead(), [0], 'what is unread may be due before the next one');
  assert.deepEqual(takeAll(lane), [6, 9]);
});

test('with another order all is read again', () => {
  for (const ordering of [null, { by: 'run', on_exhausted: 'skip' }]) {
    const { lane, memory, configure } = openLane();
    lane.admit([queued(1, 'a'), queued(2, 'b')]);
    assert.deepEqual(lane.classesToRead(), []);
    configure({ ...webhook, version: 2 });
    assert.deepEqual(lane.classesToRead(), []);
    lane.runs.lookAt('c');
    configure({ ...testWebhook({ ordering }), version: 3 });
    assert.deepEqual([lane.classesToRead(), memory.bytes, takeAll(lane)], [[0, 1, 2], 0, []]);
    assert.deepEqual(lane.takeRuns(9), [], 'by itself its head would pass over what has been due for longer');
  }
});
