import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../ids.ts';
import { Lane } from './lane.ts';
import { Turns } from './turns.ts';

const laneOf = () => new Lane({ workspaceId: newId('ws'), webhookId: newId('wh') }, { bytes: 0 });

test('lanes have their turns in order, each once however often it was added', () => {
  const turns = new Turns();
  const [a, b, c] = [laneOf(), laneOf(), laneOf()];
  for (const lane of [a, b, a, c, b]) turns.add(lane);
  assert.deepEqual([turns.take(), turns.take(), turns.take(), turns.take()], [a, b, c, undefined]);
  turns.add(b);
  assert.deepEqual([turns.take(), turns.take()], [b, undefined]);
});

test('one that is removed has no turn, and may be added again behind the others', () => {
  const turns = new Turns();
  const [a, b, c] = [laneOf(), laneOf(), laneOf()];
  for (const lane of [a, b, c]) turns.add(lane);
  turns.take();
  turns.remove(a);
  turns.remove(b);
  turns.add(b);
  assert.deepEqual([turns.take(), turns.take(), turns.take()], [c, b, undefined]);
});

test('many that come and go keep their order', () => {
  const turns = new Turns();
  const lanes = Array.from({ length: 100 }, laneOf);
  for (const lane of lanes) turns.add(lane);
  for (let round = 0; round < 1_000; round += 1) {
    const lane = turns.take();
    assert.equal(lane, lanes[round % lanes.length]);
    if (lane !== undefined) turns.add(lane);
  }
});
