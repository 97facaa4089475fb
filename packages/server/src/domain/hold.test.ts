import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSED_CIRCUIT } from './circuit.ts';
import { changeHold, type Hold, heldReasons, NO_HOLD } from './hold.ts';

const DISABLED: Hold = { ...NO_HOLD, disabledAt: 5, disabledReason: 'gone' };
const BOTH: Hold = { ...DISABLED, pausedAt: 7 };

test('says why nothing is sent, all of it, in one order', () => {
  const open = { circuit: { state: 'open', since: 0, failedProbes: 0, nextProbeAt: 0 } } as const;
  const half = { circuit: { state: 'half_open', since: 0, width: 1, widenAt: 0 } } as const;
  assert.deepEqual(heldReasons({ active: false }, BOTH, open), ['inactive', 'paused', 'disabled', 'circuit_open']);
  assert.deepEqual(heldReasons({ active: true }, DISABLED, half), ['disabled']);
  assert.deepEqual(heldReasons({ active: true }, NO_HOLD, { circuit: CLOSED_CIRCUIT }), []);
});

test('a pause counts from when it began, and is no news the second time', () => {
  const paused = changeHold(NO_HOLD, 'pause', 3);
  assert.deepEqual(paused, { ...NO_HOLD, pausedAt: 3 });
  assert.equal(changeHold(paused, 'pause', 4), paused);
  assert.deepEqual(changeHold(DISABLED, 'pause', 7), BOTH);
});

test('resuming ends a pause and what the system did; enabling the latter alone', () => {
  assert.deepEqual(changeHold(BOTH, 'resume', 9), { ...NO_HOLD, resumedAt: 9 });
  assert.deepEqual(changeHold(NO_HOLD, 'resume', 9), { ...NO_HOLD, resumedAt: 9 });
  assert.deepEqual(changeHold(BOTH, 'enable', 9), { ...NO_HOLD, pausedAt: 7, resumedAt: 9 });
  assert.deepEqual(changeHold(NO_HOLD, 'enable', 9), { ...NO_HOLD, resumedAt: 9 });
});
