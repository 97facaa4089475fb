import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnTrouble } from './own-trouble.ts';

const NOW = Date.UTC(2026, 0, 1);

test('makes pauses that grow to a minute, until something comes back', () => {
  const trouble = new OwnTrouble();
  assert.deepEqual([trouble.isThere, trouble.pausedUntil(NOW)], [false, 0]);
  const pauses: number[] = [];
  let now = NOW;
  for (let i = 0; i < 8; i += 1) {
    trouble.add(now);
    // Others of the same moment change nothing.
    trouble.add(now);
    pauses.push((trouble.pausedUntil(now) - now) / 1000);
    now = trouble.pausedUntil(now);
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
  assert.equal(trouble.isThere, true);
  assert.equal(trouble.pausedUntil(now - 3_600_000), now - 3_600_000, 'the clock was set back');
  trouble.end();
  assert.deepEqual([trouble.isThere, trouble.pausedUntil(now)], [false, 0]);
});
