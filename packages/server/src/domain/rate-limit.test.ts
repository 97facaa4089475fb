import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StartLog } from './rate-limit.ts';

test('the first ones begin at once, the next when the one a limit before it is a period old', () => {
  const log = new StartLog({ limit: 3, period: 10 });
  for (const at of [0, 1_000, 4_000]) {
    assert.ok(log.nextAt() <= at);
    log.add(at);
  }
  assert.equal(log.nextAt(), 10_000);
  log.add(10_000);
  assert.equal(log.nextAt(), 11_000);
});

test('no window of a period ever holds more than the limit, and none is kept waiting without need', () => {
  const limits = fc.record({ limit: fc.integer({ min: 1, max: 7 }), period: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(
      limits,
      fc.array(fc.nat(3_000), { maxLength: 60 }),
      fc.array(fc.nat(5_000), { maxLength: 9 }),
      (limit, gaps, before) => {
        const log = new StartLog(limit, before);
        const starts = before.toSorted((a, b) => a - b).slice(-limit.limit);
        let now = 5_000;
        for (const gap of gaps) {
          now += gap;
          const at = Math.max(now, log.nextAt());
          const inWindow = (end: number) => starts.filter((start) => start > end - limit.period * 1000).length;
          if (at > now) assert.ok(inWindow(at - 1) >= limit.limit, 'it waits only while the window is full');
          assert.ok(inWindow(at) < limit.limit);
          log.add(at);
          starts.push(at);
          now = at;
        }
      },
    ),
  );
});

test('is over when its latest start is a period old', () => {
  const log = new StartLog({ limit: 2, period: 1 });
  assert.equal(log.isOver(0), true);
  log.add(500);
  assert.equal(log.isOver(1_499), false);
  assert.equal(log.isOver(1_500), true);
});
