import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recoveryWindow } from './recovery-ramp.ts';

test('the window doubles every ten seconds up to its limit', () => {
  const seconds = [0, 9.999, 10, 20, 30, 39, 40, 86_400];
  assert.deepEqual(
    seconds.map((each) => recoveryWindow(each * 1000)),
    [50, 50, 100, 200, 400, 400, 500, 500],
  );
  assert.equal(recoveryWindow(-1), 50, 'a clock that goes back opens nothing');
});
