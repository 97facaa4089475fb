import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchBursts } from './settle-down.ts';

test('a burst is over once, when there is next to nothing to do after it', () => {
  const isOver = watchBursts();
  const shares = [0, 0.1, 0, 0.21, 0.9, 0.1, 0.03, 0.02, 0, 0.1, 0, 0.5, 0.01];
  assert.deepEqual(
    shares.map((share) => isOver(share)),
    [false, false, false, false, false, false, false, true, false, false, false, false, true],
  );
});
