import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Candidate, Candidates } from './candidates.ts';
import { estimate } from './estimate.ts';

/** As many candidates, every other one of them owed; and how many were looked at. */
function many(count: number): Candidates & { examined: number } {
  const at = (seq: number): Candidate => ({
    seq,
    position: seq,
    at: seq * 10,
    verdict: seq % 2 === 0 ? 'other' : 'owed',
    route: null,
    run: null,
    payload: 'full',
  });
  const page = (seqs: number[]) => {
    candidates.examined += seqs.length;
    return seqs.map(at);
  };
  const upTo = (limit: number, left: number) =>
    Array.from({ length: Math.max(0, Math.min(limit, left)) }, (_, i) => i + 1);
  const candidates = {
    examined: 0,
    start: 0,
    end: count + 1,
    oldestFirst: (after: string | number, limit: number) =>
      page(upTo(limit, count - Number(after)).map((i) => Number(after) + i)),
    newestFirst: (before: string | number, limit: number) =>
      page(upTo(limit, Number(before) - 1).map((i) => Number(before) - i)),
  };
  return candidates;
}

test('counts what is owed, with the oldest and the newest', async () => {
  for (const count of [1, 2, 999, 1_000, 1_001, 5_000]) {
    const newest = count % 2 === 0 ? count - 1 : count;
    assert.deepEqual(
      await estimate(many(count)),
      { count: Math.ceil(count / 2), isMinimum: false, oldestAt: 10, newestAt: newest * 10 },
      String(count),
    );
  }
  const nothing = { count: 0, isMinimum: false, oldestAt: null, newestAt: null };
  assert.deepEqual(await estimate(many(0)), nothing);
  assert.deepEqual(await estimate(null), nothing);
});

test('looks at a bounded number, says that there are more, and still finds the newest', async () => {
  const candidates = many(10_000_000);
  const found = await estimate(candidates);
  assert.deepEqual(found, { count: 25_000, isMinimum: true, oldestAt: 10, newestAt: 99_999_990 });
  assert.ok(candidates.examined <= 51_000, `${candidates.examined}`);
});

test('others have their turn in between', async () => {
  const turns: string[] = [];
  const counting = estimate(many(3_000)).then(() => turns.push('counted'));
  setImmediate(() => turns.push('somebody else'));
  await counting;
  assert.deepEqual(turns, ['somebody else', 'counted']);
});
