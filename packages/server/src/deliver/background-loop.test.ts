import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../test/fake-clock.ts';
import { BackgroundLoop } from './background-loop.ts';

/** A loop whose steps are noted by their time. */
function openLoop(step: (count: number) => number | Promise<number> = () => 100) {
  const clock = createFakeClock();
  const steps: number[] = [];
  const errors: unknown[] = [];
  const loop = new BackgroundLoop({
    clock,
    step: async () => step(steps.push(clock.monotonic())),
    onError: (error) => errors.push(error),
  });
  return { clock, steps, errors, loop };
}

test('takes a step after each rest that the one before asked for', async () => {
  const { clock, steps, loop } = openLoop((count) => count * 10);
  await clock.advance(1_000);
  assert.deepEqual(steps, [], 'not before the start');
  loop.start(5);
  loop.start(0);
  await clock.advance(65);
  assert.deepEqual(steps, [1_005, 1_015, 1_035, 1_065]);
});

test('goes on after an error, a while later', async () => {
  const { clock, steps, errors, loop } = openLoop((count) => {
    if (count === 1) throw new Error('full');
    return 100;
  });
  loop.start(0);
  await clock.advance(5_100);
  assert.deepEqual(steps, [0, 5_000, 5_100]);
  assert.equal(errors.length, 1);
});

test('a wake cuts the rest short, also one that comes during a step', async () => {
  let end = (_restMs: number) => {};
  const { clock, steps, loop } = openLoop((count) =>
    count === 2
      ? new Promise((resolve) => {
          end = resolve;
        })
      : 1_000,
  );
  loop.start(0);
  await clock.advance(10);
  loop.wake();
  await clock.advance(10);
  assert.deepEqual(steps, [0, 10]);
  loop.wake();
  await clock.advance(10);
  assert.deepEqual(steps, [0, 10], 'one step at a time');
  end(1_000);
  await clock.advance(10);
  assert.deepEqual(steps, [0, 10, 30]);
  await clock.advance(1_000);
  assert.equal(steps.length, 4);
});

test('a stop waits for the step that is under way, and is the end', async () => {
  let end = (_restMs: number) => {};
  const { clock, steps, loop } = openLoop(
    () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  );
  await loop.stop();
  loop.start(0);
  await clock.advance(0);
  let stopped = false;
  const stopping = loop.stop().then(() => {
    stopped = true;
  });
  await clock.advance(0);
  assert.equal(stopped, false);
  end(0);
  await stopping;
  loop.wake();
  await clock.advance(100_000);
  await loop.stop();
  assert.deepEqual(steps, [0]);
  assert.equal(clock.timers, 0);
});
