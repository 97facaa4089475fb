import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailableError } from '../errors.ts';
import type { Settlement } from '../store/store.ts';
import { createFakeClock } from '../test/fake-clock.ts';
import { Settler } from './settle.ts';

// The settler hands it on, and looks at nothing in it.
const settlement = { next: { state: 'delivered' } } as Settlement;

/** A store that answers with these in turn: an answer, or an error. */
function openSettler(...reactions: (boolean | Error)[]) {
  const clock = createFakeClock();
  const calls: { at: number; settlement: Settlement }[] = [];
  const queue = {
    async settle(given: Settlement) {
      calls.push({ at: clock.monotonic(), settlement: given });
      const reaction = reactions.shift() ?? true;
      if (reaction instanceof Error) throw reaction;
      return reaction;
    },
  };
  const settler = new Settler(queue, clock);
  return { settler, clock, calls, instants: () => calls.map(({ at }) => at) };
}

const full = () => new StoreUnavailableError('the disk is full', null);

test('hands an outcome to the store, and its answer back', async () => {
  const { settler, calls } = openSettler(true, false);
  assert.equal(await settler.settle(settlement), true);
  assert.equal(await settler.settle(settlement), false);
  assert.equal(calls[0]?.settlement, settlement);
  assert.equal(settler.isStuck, false);
});

test('tries again what the store refuses, at doubling pauses of 100 ms up to 5 s, and is stuck meanwhile', async () => {
  const { settler, clock, instants } = openSettler(...Array.from({ length: 9 }, full), false);
  const settled = settler.settle(settlement);
  await clock.advance(0);
  assert.equal(settler.isStuck, true);
  await clock.advance(21_299);
  assert.deepEqual(instants(), [0, 100, 300, 700, 1500, 3100, 6300, 11_300, 16_300]);
  assert.equal(settler.isStuck, true);
  await clock.advance(1);
  assert.equal(await settled, false);
  assert.equal(settler.isStuck, false);
});

test('is stuck as long as any outcome is refused', async () => {
  const { settler, clock } = openSettler(full(), full(), true, full(), true);
  const both = [settler.settle(settlement), settler.settle(settlement)];
  await clock.advance(100);
  assert.equal(settler.isStuck, true);
  await clock.advance(200);
  assert.deepEqual(await Promise.all(both), [true, true]);
  assert.equal(settler.isStuck, false);
});

test('another error is the caller’s to hear of, at once or after refusals', async () => {
  const { settler, clock } = openSettler(new TypeError('first'), full(), new TypeError('later'));
  await assert.rejects(settler.settle(settlement), { message: 'first' });
  const later = assert.rejects(settler.settle(settlement), { message: 'later' });
  await clock.advance(100);
  await later;
  assert.equal(settler.isStuck, false);
});

test('after stop nothing reaches the store: neither what it refused before nor what lands late', async () => {
  const { settler, clock, calls } = openSettler(full(), full());
  const refused = settler.settle(settlement);
  await clock.advance(150);
  settler.stop();
  await clock.advance(10_000);
  assert.equal(await refused, false);
  assert.equal(await settler.settle(settlement), false);
  assert.equal(calls.length, 2);
  assert.equal(settler.isStuck, false);
});
