import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_TYPE, sampleEvent, typeInTurn } from './sample-event.ts';

test('an event is about 700 bytes, always as long, and differs in its run id only', () => {
  const first = sampleEvent(0);
  const other = sampleEvent(1_234_567_890);
  assert.ok(first.length > 650 && first.length < 750, `${first.length} bytes`);
  assert.equal(Buffer.byteLength(first), first.length);
  assert.equal(other.length, first.length);
  assert.equal(JSON.parse(other).data.run_id, 'run_1234567890');
  assert.deepEqual({ ...JSON.parse(other).data, run_id: '' }, { ...JSON.parse(first).data, run_id: '' });
});

test('an event carries the fields that its type requires, and what a server forwards of it are the same bytes', () => {
  const event = JSON.parse(sampleEvent(1));
  assert.equal(event.event, 'workflow.completed');
  for (const field of ['workflow_id', 'run_id', 'output']) assert.equal(typeof event.data[field], 'string');
  assert.equal(JSON.stringify(JSON.parse(sampleEvent(1))), sampleEvent(1));
});

test('events take turns in their types, and differ in nothing else', () => {
  const types = [0, 1, 2, 3].map((n) => typeInTurn(n, ['a.b', 'c.d', 'e.f']));
  assert.deepEqual(types, ['a.b', 'c.d', 'e.f', 'a.b']);
  assert.equal(typeInTurn(7, [SAMPLE_TYPE]), SAMPLE_TYPE);
  assert.equal(sampleEvent(5, 'c.d'), sampleEvent(5).replace(SAMPLE_TYPE, 'c.d'));
});
