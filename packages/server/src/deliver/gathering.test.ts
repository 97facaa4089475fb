import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERY_CLASS } from '../domain/delivery.ts';
import type { GatheringMember } from '../store/store.ts';
import { Gathering, MOST_OF_A_KIND, type Opening } from './gathering.ts';
import { ReadProgress } from './read-progress.ts';

const NOW = 1_000_000;
const EVERYWHERE = () => true;
const opening = (changes: Partial<Opening> = {}): Opening => {
  return { now: NOW, roomAhead: 99, room: 99, takes: EVERYWHERE, ...changes };
};
const members = (count: number, from = 1, changes: Partial<GatheringMember> = {}): GatheringMember[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ seq: from + i, dueAt: from + i, id: `del_${from + i}`, eventType: 'a.b', route: null },
    ...{ createdAt: NOW - 1_000, dataBytes: 10 },
    ...changes,
  }));

function openGathering({ size = 3, timeout = 1 } = {}) {
  const progress = new ReadProgress();
  const gathering = new Gathering('wh_1', progress);
  gathering.configure({ size, timeout });
  const add = (read: readonly GatheringMember[], full = false) => {
    progress.begin(DELIVERY_CLASS.gathering);
    gathering.add(read, { full, now: NOW });
  };
  const take = (changes?: Partial<Opening>) =>
    gathering.takeReady(opening(changes)).map((batch) => batch.members.map(({ seq }) => seq));
  return { progress, gathering, add, take };
}

test('what is full is ready at once, what is not when its first has waited for long enough', () => {
  const { gathering, add, take } = openGathering();
  add(members(5));
  assert.deepEqual(take({ now: NOW - 1 }), [[1, 2, 3]]);
  assert.equal(gathering.nextReadyAt(NOW - 1), NOW);
  assert.deepEqual(take(), [[4, 5]]);
  assert.equal(gathering.nextReadyAt(NOW), null);
});

test('what is not full waits until all is read that may belong to it', () => {
  const { gathering, add, take } = openGathering();
  add(members(2), true);
  assert.deepEqual(take(), []);
  assert.equal(gathering.needsRead(opening()), true);
  add(members(2, 3));
  assert.deepEqual(take(), [[1, 2, 3], [4]]);
});

test('while there is something complete to send, nothing more is read', () => {
  const { gathering, add } = openGathering();
  add(members(3), true);
  assert.equal(gathering.needsRead(opening()), false);
  assert.equal(gathering.needsRead(opening({ takes: () => false })), true, 'what is to be sent is behind it');
});

test('full batches are made ahead, others only if they can start', () => {
  const { add, take } = openGathering();
  add([...members(7), ...members(2, 8, { eventType: 'c.d', createdAt: NOW - 9_000 })]);
  assert.deepEqual(take({ roomAhead: 1, room: 0 }), [[1, 2, 3]]);
  assert.deepEqual(take({ roomAhead: 0, room: 0 }), []);
  assert.deepEqual(
    take({ roomAhead: 9, room: 1 }),
    [
      [8, 9],
      [4, 5, 6],
    ],
    'the oldest first',
  );
  assert.deepEqual(take({ roomAhead: 9, room: 1 }), [[7]]);
});

test('a route that takes nothing keeps its own ones back, and no others', () => {
  const { gathering, add, take } = openGathering();
  add([...members(3), ...members(3, 4, { route: 7 })]);
  assert.deepEqual(take({ takes: (route) => route === 7 }), [[4, 5, 6]]);
  assert.deepEqual([...gathering.routesReady(NOW)], [null]);
  assert.deepEqual(take(), [[1, 2, 3]]);
});

test('of what cannot go there is only so much in memory, and the rest is read again when it can', () => {
  const { progress, gathering, add, take } = openGathering({ size: 1_000 });
  add(members(MOST_OF_A_KIND + 500));
  assert.equal(progress.isUnread(DELIVERY_CLASS.gathering), false);
  assert.deepEqual(
    take({ roomAhead: 1 }).map((batch) => batch.length),
    [1_000],
  );
  assert.equal(progress.isUnread(DELIVERY_CLASS.gathering), false, 'there is another full one');
  assert.deepEqual(
    take({ roomAhead: 1 }).map((batch) => batch.length),
    [1_000],
  );
  assert.deepEqual(
    [progress.isUnread(DELIVERY_CLASS.gathering), progress.cursor(DELIVERY_CLASS.gathering)],
    [true, null],
  );
  add(members(500, MOST_OF_A_KIND + 1));
  assert.deepEqual(
    take().map((batch) => [batch.length, batch[0]]),
    [[500, MOST_OF_A_KIND + 1]],
  );
  assert.equal(gathering.forming, 3);
});

test('what is known is not taken in twice, until its batch is made', () => {
  const { gathering, add, take } = openGathering({ size: 2 });
  add(members(3));
  add(members(3));
  const [batch] = gathering.takeReady(opening({ now: NOW - 1 }));
  assert.ok(batch);
  add(members(3));
  assert.deepEqual(take(), [[3]]);
  assert.deepEqual([gathering.forming, gathering.isIdle], [2, false]);
  gathering.end(batch);
  assert.equal(gathering.forming, 1);
});

test('a batch that could not be made is read again, after a while', () => {
  const { progress, gathering, add, take } = openGathering({ size: 2 });
  add(members(3));
  const [batch] = gathering.takeReady(opening({ now: NOW - 1 }));
  assert.ok(batch);
  gathering.fail(batch, NOW + 500);
  assert.equal(progress.cursor(DELIVERY_CLASS.gathering), null);
  assert.equal(gathering.needsRead(opening()), false);
  assert.equal(gathering.needsRead(opening({ now: NOW + 500 })), true);
  add(members(3));
  assert.deepEqual(take(), []);
  assert.deepEqual(take({ now: NOW + 500 }), [[1, 2], [3]]);
});

test('a clock that was set back makes nothing wait for longer than its time', () => {
  const { gathering, add } = openGathering();
  add(members(1, 1, { createdAt: NOW + 3_600_000 }));
  assert.equal(gathering.nextReadyAt(NOW), NOW + 1_000);
});

test('a member that is taken out makes room for the next', () => {
  const { gathering, add, take } = openGathering();
  add(members(4));
  gathering.remove('del_2');
  gathering.remove('del_unknown');
  assert.deepEqual(take(), [[1, 3, 4]]);
  add(members(1, 9));
  gathering.remove('del_9');
  assert.equal(gathering.nextReadyAt(0), null);
});
