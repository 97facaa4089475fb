import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SentClass } from '../domain/delivery.ts';
import type { QueuedDelivery } from '../store/store.ts';
import { WaitingLines } from './waiting-lines.ts';

function queued(deliveryClass: SentClass, seq: number, dueAt = 1_000): QueuedDelivery {
  return {
    ...{
      lane: { workspaceId: 'ws_1', webhookId: 'wh_1' },
      seq,
      id: `del_${seq}`,
      class: deliveryClass,
      dueAt,
      createdAt: 0,
    },
    ...{ origin: 'event', attempts: 0, seriesFrom: 0, route: null, run: null, atFallback: false, payload: 'full' },
    event: { id: 'evt_1', type: 'workflow.started', occurredAt: 0, dataText: '{}' },
  };
}

const seqs = (deliveries: readonly QueuedDelivery[]) => deliveries.map(({ seq }) => seq);

test('each line is in the order in which things are due, whatever order they come in', () => {
  const lines = new WaitingLines();
  for (const one of [queued(0, 3), queued(0, 1), queued(1, 9, 500), queued(0, 2, 2_000)]) lines.add(one);
  assert.deepEqual([lines.count(0), lines.count(1), lines.count(2), lines.isEmpty], [3, 1, 0, false]);
  assert.equal(lines.first(0)?.seq, 1);
  assert.deepEqual(seqs(lines.takeAll()), [1, 3, 2, 9]);
  assert.ok(lines.isEmpty);
});

test('what is put back stands before what waits, in its own order', () => {
  const lines = new WaitingLines();
  lines.add(queued(0, 3));
  lines.putBefore([queued(0, 8), queued(0, 9), queued(2, 7)]);
  assert.deepEqual(seqs(lines.takeAll()), [8, 9, 3, 7]);
});

test('every fourth turn belongs to the others, which alternate, as long as they may', () => {
  const lines = new WaitingLines();
  const taken: SentClass[] = [];
  for (let i = 0; i < 8; i += 1) {
    const [next = 0] = lines.turns(true);
    lines.hadItsTurn(next);
    taken.push(next);
  }
  assert.deepEqual(taken, [0, 0, 0, 1, 0, 0, 0, 2]);
  for (let i = 0; i < 5; i += 1) lines.hadItsTurn(0);
  assert.deepEqual(lines.turns(false), [0, 1, 2]);
  assert.deepEqual(lines.turns(true), [1, 2, 0]);
});

test('the one that has been due for longest is found in any class, also where a line is out of order', () => {
  const lines = new WaitingLines();
  lines.add(queued(0, 5, 900));
  lines.add(queued(1, 6, 800));
  lines.putBefore([queued(1, 7, 950), queued(1, 8, 100)].toReversed());
  lines.putBefore([queued(1, 9, 990)]);
  assert.equal(lines.takeOldest(({ seq }) => seq !== 8)?.seq, 6);
  assert.equal(lines.takeOldest(() => true)?.seq, 8);
  assert.equal(
    lines.takeOldest(() => false),
    undefined,
  );
  assert.equal(lines.remove('del_9')?.seq, 9);
  assert.equal(lines.remove('del_9'), undefined);
  assert.deepEqual(seqs(lines.takeAll()), [5, 7]);
});
