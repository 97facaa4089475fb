import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from './chance.ts';
import { VirtualTime } from './virtual-time.ts';

const AT = Date.UTC(2026, 0, 1);
const never = () => false;

test('timers run in the order of their instants, those of one instant as they were set', async () => {
  const time = new VirtualTime(AT);
  const clock = time.clock();
  const chance = new Chance(1);
  const ran: { at: number; order: number }[] = [];
  for (let order = 0; order < 500; order += 1) {
    const delayMs = chance.between(0, 50);
    clock.after(delayMs, () => {
      assert.equal(time.now, AT + delayMs);
      ran.push({ at: delayMs, order });
    });
  }
  await time.pass(AT + 100, never);
  assert.deepEqual(
    ran,
    ran.toSorted((a, b) => a.at - b.at || a.order - b.order),
  );
  assert.equal(ran.length, 500);
  assert.equal(time.now, AT + 100);
});

test('promises settle between any two timers, also those that others make', async () => {
  const time = new VirtualTime(AT);
  const clock = time.clock();
  const log: string[] = [];
  clock.after(1, () => void deep(20).then(() => log.push('settled')));
  clock.after(1, () => log.push('next'));
  await time.pass(AT + 1, never);
  assert.deepEqual(log, ['settled', 'next']);
});

test('a timer that was cancelled, or whose process has ended, does not run', async () => {
  const time = new VirtualTime(AT);
  const [living, dying] = [time.clock(), time.clock()];
  const ran: string[] = [];
  const cancel = living.after(5, () => ran.push('cancelled'));
  living.after(5, () => ran.push('living'));
  dying.after(5, () => ran.push('dead'));
  living.after(1, () => {
    cancel();
    dying.end();
  });
  dying.after(0, () => ran.push('dying'));
  await time.pass(AT + 10, never);
  assert.deepEqual(ran, ['dying', 'living']);
});

test('time stands still from the step on that says so', async () => {
  const time = new VirtualTime(AT);
  const clock = time.clock();
  let isOver = false;
  clock.after(3, () => {
    isOver = true;
  });
  clock.after(4, () => assert.fail('it is over'));
  await time.pass(AT + 10, () => isOver);
  assert.equal(time.now, AT + 3);
});

async function deep(levels: number): Promise<void> {
  await Promise.resolve();
  if (levels > 0) await deep(levels - 1);
}

test('a process that sleeps runs nothing; when it wakes up its timers come first, and then what came from outside', async () => {
  const time = new VirtualTime(AT);
  const sleeper = time.clock({ skewMs: 90_000 });
  const other = time.clock();
  const log: string[] = [];
  const note = (what: string) => () => log.push(`${what} at ${time.elapsed}`);
  other.after(5, () => sleeper.stall());
  sleeper.hear(6, note('an answer'));
  sleeper.after(7, note('a timer'));
  const cancel = sleeper.after(8, note('a timer that is cancelled'));
  sleeper.after(50, note('a later one'));
  other.after(10, note('another process'));
  other.after(20, () => {
    cancel();
    sleeper.wake();
  });
  await time.pass(AT + 100, never);
  assert.deepEqual(log, ['another process at 10', 'a timer at 20', 'an answer at 20', 'a later one at 50']);
  assert.equal(sleeper.now() - other.now(), 90_000);
});
