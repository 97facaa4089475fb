import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../test/fake-clock.ts';
import { Pacer } from './pacer.ts';

const LIMIT = { limit: 2, period: 10 };

test('a new attempt may start while the limit has room, and then when the oldest start is a period old', async () => {
  const clock = createFakeClock();
  const pacer = new Pacer(LIMIT, { clock, ages: [] });
  assert.equal(pacer.waitMs, 0);
  pacer.start();
  await clock.advance(4_000);
  pacer.start();
  assert.equal(pacer.waitMs, 6_000);
  await clock.advance(6_000);
  assert.equal(pacer.waitMs, 0);
});

test('what began before counts by its age', () => {
  const clock = createFakeClock();
  assert.equal(new Pacer(LIMIT, { clock, ages: [3_000, 9_000] }).waitMs, 1_000);
  assert.equal(new Pacer(LIMIT, { clock, ages: [20_000, 9_000] }).waitMs, 0);
});

test('another exchange waits for its turn, before new attempts, and counts', async () => {
  const clock = createFakeClock();
  const pacer = new Pacer(LIMIT, { clock, ages: [] });
  pacer.start();
  pacer.start();
  const began: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    void pacer.another(60_000).then((may) => may && began.push(clock.monotonic()));
  }
  await clock.advance(9_999);
  assert.deepEqual(began, []);
  assert.equal(pacer.isOver, false);
  await clock.advance(1);
  assert.deepEqual(began, [10_000, 10_000]);
  assert.equal(pacer.waitMs, 10_000);
  await clock.advance(10_000);
  assert.deepEqual(began, [10_000, 10_000, 20_000]);
  assert.equal(pacer.waitMs, 0, 'one of two has begun');
});

test('while one waits, no new attempt starts, also when there is room by now', async () => {
  const clock = createFakeClock();
  const pacer = new Pacer({ limit: 1, period: 10 }, { clock, ages: [0] });
  const waits: number[] = [];
  // Comes before the timer of the one that waits.
  clock.after(10_000, () => waits.push(pacer.waitMs));
  const waiting = pacer.another(60_000);
  await clock.advance(10_000);
  assert.equal(await waiting, true);
  assert.deepEqual(waits, [1]);
});

test('one that could not begin before the deadline is refused at once, and counts for nothing', async () => {
  const clock = createFakeClock();
  const pacer = new Pacer(LIMIT, { clock, ages: [0, 0] });
  assert.equal(await pacer.another(10_000), false);
  assert.equal(clock.monotonic(), 0);
  await clock.advance(10_000);
  assert.equal(pacer.waitMs, 0);
  assert.equal(pacer.isOver, true);
});
