import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lane } from '../domain/webhook.ts';
import type { QueuedDelivery, Wake } from './store.ts';
import { WakeList } from './wake-list.ts';

const A = { workspaceId: 'ws_1', webhookId: 'wh_a' };
const B = { workspaceId: 'ws_1', webhookId: 'wh_b' };
const ELSEWHERE = { workspaceId: 'ws_2', webhookId: 'wh_a' };
const NOTHING = {
  first: null,
  handedOver: [],
  recovered: false,
  putBack: new Set(),
  freed: new Set(),
  gathering: null,
  changed: false,
};

function openList() {
  const list = new WakeList();
  const told: (readonly Wake[])[] = [];
  list.listen((wakes) => told.push(wakes));
  return { list, told };
}

function delivery(lane: Lane, seq: number): QueuedDelivery {
  const event = { id: `evt_${seq}`, type: 'a.b', occurredAt: 0, dataText: '{}' };
  const place = { class: 0, dueAt: 1, createdAt: 1, origin: 'event', attempts: 0, seriesFrom: 0 } as const;
  const sent = { route: null, run: null, atFallback: false, payload: 'full' } as const;
  return { lane, seq, id: `del_${seq}`, ...place, ...sent, event };
}

test('tells what a transaction brought, lane by lane, once it is on disk', () => {
  const { list, told } = openList();
  const [first, second, third] = [delivery(A, 1), delivery({ ...A }, 2), delivery(ELSEWHERE, 3)];
  list.addFirst(first);
  list.add(B, 'recovered');
  list.add({ ...A }, 'changed');
  list.addFirst(second);
  list.addFirst(third);
  const tell = list.commit();
  assert.deepEqual(told, [], 'the transaction is not on disk');
  list.commit()();
  assert.deepEqual(told, [], 'the next transaction brought nothing');
  tell();
  assert.deepEqual(told, [
    [
      { ...NOTHING, lane: A, first: { dueAt: 1, seq: 1 }, changed: true, handedOver: [first, second] },
      { ...NOTHING, lane: B, recovered: true },
      { ...NOTHING, lane: ELSEWHERE, first: { dueAt: 1, seq: 3 }, handedOver: [third] },
    ],
  ]);
});

test('hands over what is few, and nothing of what is many', () => {
  for (const [count, handedOver] of [
    [64, 64],
    [65, undefined],
    [200, undefined],
  ] as const) {
    const { list, told } = openList();
    for (let seq = 1; seq <= count; seq += 1) list.addFirst(delivery(A, seq));
    list.addFirst(delivery(B, 999));
    list.commit()();
    const [ofA, ofB] = told.flat();
    assert.deepEqual([ofA?.first?.seq, ofA?.handedOver?.length], [1, handedOver]);
    assert.equal(ofB?.handedOver?.length, 1);
  }
});

test('forgets what was undone, and nothing else', () => {
  const { list, told } = openList();
  list.add(A, 'recovered');
  const tell = list.commit();
  list.addFirst(delivery(A, 1));
  list.addFirst(delivery(B, 2));
  list.forget();
  list.add(A, 'changed');
  const tellMore = list.commit();
  tell();
  tellMore();
  assert.deepEqual(told.flat(), [
    { ...NOTHING, lane: A, recovered: true },
    { ...NOTHING, lane: A, changed: true },
  ]);
});

test('tells the listener that is registered when it tells, and does without any', () => {
  const list = new WakeList();
  list.add(A, 'changed');
  list.commit()();
  const told: string[] = [];
  list.listen(() => told.push('first'));
  list.add(A, 'changed');
  const tell = list.commit();
  list.listen(() => told.push('second'));
  tell();
  assert.deepEqual(told, ['second']);
});
