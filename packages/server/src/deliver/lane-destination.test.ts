import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNKNOWN_DESTINATION } from '../domain/webhook.ts';
import { LaneDestination } from './lane-destination.ts';

/** One whose circuit opened at 1,000 and is probed at 6,000. */
function openDestination() {
  const circuit = { state: 'open', since: 1_000, failedProbes: 0, nextProbeAt: 6_000 } as const;
  return new LaneDestination({ ...UNKNOWN_DESTINATION, circuit });
}

test('is probed at once when somebody says that it is well again', () => {
  const destination = openDestination();
  destination.probeNow(1_500, 2_000);
  assert.equal(destination.waitsUntil(2_000), 2_000);
});

test('is probed in its time when that was said before the outage, and heard of after it', () => {
  const destination = openDestination();
  destination.probeNow(999, 2_000);
  assert.equal(destination.waitsUntil(2_000), 6_000);
});
