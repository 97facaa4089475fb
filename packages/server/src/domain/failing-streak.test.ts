import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailingStreak, isHopeless, isStreakNews, lengthen } from './failing-streak.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.UTC(2026, 0, 1, 23);

/** The streak of attempts that ended so many hours after the start. */
function streakOf(hours: readonly number[]): FailingStreak {
  const streak = hours.reduce<FailingStreak | null>((before, hour) => lengthen(before, START + hour * HOUR_MS), null);
  assert.ok(streak);
  return streak;
}

test('counts attempts, and the days on which there were any', () => {
  assert.deepEqual(streakOf([0]), { since: START, attempts: 1, days: 1, latestAt: START });
  const { since, attempts, days, latestAt } = streakOf([0, 0.5, 1, 2, 24, 25, 80]);
  assert.deepEqual([since, attempts, days, latestAt], [START, 7, 4, START + 80 * HOUR_MS]);
});

test('is hopeless after 5 days, 20 attempts and 3 days with attempts: none of them less', () => {
  const twenty = [...Array<number>(18).fill(0), 30, 120];
  assert.equal(isHopeless(streakOf(twenty), START + 5 * DAY_MS), true);
  assert.equal(isHopeless(streakOf(twenty), START + 5 * DAY_MS - 1), false);
  assert.equal(isHopeless(streakOf(twenty.slice(1)), START + 5 * DAY_MS), false, '19 attempts');
  assert.equal(isHopeless(streakOf([...Array<number>(19).fill(0), 120]), START + 5 * DAY_MS), false, 'on 2 days');
});

test('is worth a write once an hour, and when one that was written is over', () => {
  const at = (minutes: number): FailingStreak => {
    return { since: START, attempts: 9, days: 1, latestAt: START + minutes * 60_000 };
  };
  assert.equal(isStreakNews(null, null), false);
  assert.equal(isStreakNews(null, at(59)), false);
  assert.equal(isStreakNews(null, at(60)), true);
  assert.equal(isStreakNews(at(60), at(119)), false);
  assert.equal(isStreakNews(at(60), at(120)), true);
  assert.equal(isStreakNews(at(60), null), true);
  const anew = { ...at(130), since: START + 90 * 60_000 };
  assert.equal(isStreakNews(at(60), anew), false);
  assert.equal(isStreakNews(at(60), { ...anew, latestAt: START + 150 * 60_000 }), true);
});
