import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from './fake-clock.ts';

test('time stands still until it is advanced', async () => {
  const clock = createFakeClock({ now: 5_000 });
  assert.deepEqual([clock.now(), clock.monotonic()], [5_000, 0]);
  await clock.advance(0);
  assert.deepEqual([clock.now(), clock.monotonic()], [5_000, 0]);
  await clock.advance(250.5);
  assert.deepEqual([clock.now(), clock.monotonic()], [5_250, 250.5]);
});

test('timers run in order of their instants, those of one instant as they were set', async () => {
  const clock = createFakeClock({ now: 0 });
  const ran: [string, number][] = [];
  for (const [name, delayMs] of [
    ['c', 30],
    ['a', 10],
    ['b1', 20],
    ['b2', 20],
    ['late', 31],
    ['past', -5],
  ] as const) {
    clock.after(delayMs, () => ran.push([name, clock.now()]));
  }
  await clock.advance(30);
  assert.deepEqual(ran, [
    ['past', 0],
    ['a', 10],
    ['b1', 20],
    ['b2', 20],
    ['c', 30],
  ]);
  assert.equal(clock.timers, 1);
  await clock.advance(1);
  assert.equal(ran.at(-1)?.[0], 'late');
  assert.equal(clock.timers, 0);
});

test('promises settle before, between and after timers, and may set timers that come due in the same stretch', async () => {
  const clock = createFakeClock({ now: 0 });
  const seen: string[] = [];
  const sleep = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const task = async (name: string) => {
    await null;
    for (let round = 1; round <= 3; round += 1) {
      await sleep(10);
      for (let turn = 0; turn < 50; turn += 1) await null;
      seen.push(`${name}${round} at ${clock.now()}`);
    }
  };
  const tasks = [task('a'), task('b')];
  await clock.advance(29);
  assert.deepEqual(seen, ['a1 at 10', 'b1 at 10', 'a2 at 20', 'b2 at 20']);
  await clock.advance(1);
  assert.deepEqual(seen.slice(4), ['a3 at 30', 'b3 at 30']);
  await Promise.all(tasks);
});

test('a cancelled timer does not run; cancelling may come at any time', async () => {
  const clock = createFakeClock();
  const ran: string[] = [];
  const cancelLate = clock.after(20, () => ran.push('late'));
  const cancelEarly = clock.after(10, () => {
    ran.push('early');
    cancelLate();
  });
  clock.after(25, () => ran.push('other'));
  await clock.advance(15);
  cancelEarly();
  cancelEarly();
  await clock.advance(15);
  assert.deepEqual(ran, ['early', 'other'], 'and no other is concerned');
});

test('the wall clock jumps without the monotonic one and the timers', async () => {
  const clock = createFakeClock({ now: 100_000 });
  let ran = false;
  clock.after(1_000, () => {
    ran = true;
  });
  clock.jump(60_000);
  await clock.advance(0);
  assert.deepEqual([clock.now(), clock.monotonic(), ran], [160_000, 0, false]);
  clock.jump(-120_000);
  await clock.advance(1_000);
  assert.deepEqual([clock.now(), clock.monotonic(), ran], [41_000, 1_000, true]);
});

test('what an action throws comes out of advance, at its instant, and time can go on', async () => {
  const clock = createFakeClock({ now: 0 });
  clock.after(10, () => {
    throw new Error('broken');
  });
  await assert.rejects(clock.advance(50), /broken/);
  assert.equal(clock.now(), 10);
  await clock.advance(5);
  assert.equal(clock.now(), 15);
});

test('refuses what can only be a mistake', async () => {
  const clock = createFakeClock();
  assert.throws(() => clock.after(Number.NaN, () => {}), RangeError);
  await assert.rejects(clock.advance(-1), RangeError);
  await assert.rejects(clock.advance(Number.NaN), RangeError);
  const first = clock.advance(1);
  await assert.rejects(clock.advance(1), /already/);
  await first;
});
