import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LaneMap } from './lane-map.ts';

const lane = (workspaceId: string, webhookId: string) => ({ workspaceId, webhookId });

test('what belongs to a lane is found by the ids of it, and by nothing else', () => {
  const map = new LaneMap<string>();
  map.set(lane('a', 'b'), 'first');
  map.set(lane('a', 'c'), 'second');
  map.set(lane('b', 'b'), 'third');
  map.set(lane('a', 'b'), 'again');
  assert.equal(map.get(lane('a', 'b')), 'again');
  assert.equal(map.get(lane('b', 'b')), 'third');
  assert.equal(map.get(lane('b', 'c')), undefined);
  assert.equal(map.get(lane('c', 'b')), undefined);
  assert.deepEqual([...map.values()].toSorted(), ['again', 'second', 'third']);
  assert.equal(map.size, 3);
});

test('what was deleted is gone, also while all of them are gone through', () => {
  const map = new LaneMap<string>();
  for (const id of ['a', 'b', 'c']) {
    map.set(lane(id, id), id);
    map.set(lane('w', id), `w${id}`);
  }
  const seen: string[] = [];
  for (const value of map.values()) {
    seen.push(value);
    if (value.length === 1) map.delete(lane(value, value));
  }
  assert.deepEqual(seen.toSorted(), ['a', 'b', 'c', 'wa', 'wb', 'wc']);
  assert.equal(map.size, 3);
  map.delete(lane('w', 'x'));
  map.delete(lane('x', 'a'));
  assert.equal(map.size, 3);
});
