import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueuedDelivery } from '../store/store.ts';
import { LeftOut, MOST_KEPT } from './left-out.ts';

const delivery = (seq: number): QueuedDelivery => ({
  lane: { workspaceId: 'ws_1', webhookId: 'wh_1' },
  seq,
  id: `del_${seq}`,
  class: 0,
  dueAt: seq,
  createdAt: 0,
  origin: 'event',
  attempts: 0,
  seriesFrom: 0,
  route: null,
  run: null,
  atFallback: false,
  payload: 'full',
  event: { id: 'evt_1', type: 'workflow.started', occurredAt: 0, dataText: '{}' },
});

test('keeps the first ones; none that comes after one that was not kept, until that is read again', () => {
  const leftOut = new LeftOut();
  assert.deepEqual([leftOut.isEmpty, leftOut.hasMore], [true, false]);
  const first = Array.from({ length: MOST_KEPT }, (_, seq) => delivery(seq));
  for (const one of first) assert.equal(leftOut.add(one), true);
  assert.equal(leftOut.hasMore, false);
  assert.equal(leftOut.add(delivery(100)), false);
  assert.deepEqual([leftOut.isEmpty, leftOut.hasMore], [false, true]);
  assert.deepEqual(leftOut.takeKept(), first);
  assert.deepEqual(leftOut.takeKept(), []);
  assert.equal(leftOut.add(delivery(101)), false);
  assert.equal(leftOut.isEmpty, false);
  leftOut.forgetMore();
  assert.equal(leftOut.isEmpty, true);
  assert.equal(leftOut.add(delivery(100)), true);
});
