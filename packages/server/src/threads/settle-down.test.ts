import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchBursts } from './settle-down.ts';

const rest = (looks: number) => Array.from({ length: looks }, () => 0.02);

test('a burst is over once, after twenty seconds with next to nothing to do', () => {
  const isOver = watchBursts();
  const over = (shares: readonly number[]) => shares.map((share) => isOver(share)).indexOf(true);
  assert.equal(over([...rest(40), 0.1, ...rest(40)]), -1);
  assert.equal(over([0.21, 0.9, 0.1, 0.03, ...rest(40)]), 13);
  assert.equal(over([0.1, ...rest(40)]), -1);
  assert.equal(over([0.5, ...rest(9), 0.03, ...rest(9), 0.21, ...rest(10)]), 30);
});
