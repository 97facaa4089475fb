import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsIn } from './drain-batches.ts';
import { sampleEvent } from './sample-event.ts';

/** A body as a receiver gets it, of events that are all equally long. */
function single(n: number): object {
  return {
    event: 'bench.target_0001',
    timestamp: '2026-01-01T00:00:00.000Z',
    webhook_id: `wh_${'0'.repeat(32)}`,
    delivery_id: `del_${String(n).padStart(32, '0')}`,
    data: JSON.parse(sampleEvent(n)).data,
  };
}

function batch(count: number): object {
  const events = Array.from({ length: count }, (_, n) => single(n));
  return { ...single(0), event: 'webhook.batch', data: { event_type: 'bench.target_0001', count, events } };
}

const lengthOf = (body: object) => JSON.stringify(body).length;

test('the events of a request are told by its length, whatever its size', () => {
  const singleBytes = lengthOf(single(0));
  for (const count of [1, 2, 3, 99, 100, 101, 1000]) {
    assert.equal(eventsIn([lengthOf(batch(count))], singleBytes), count);
  }
  assert.equal(eventsIn([singleBytes, singleBytes], singleBytes), 2);
  assert.equal(eventsIn([lengthOf(batch(100)), singleBytes, lengthOf(batch(7))], singleBytes), 108);
});
