/**
 * Attempts at one destination since it last took something. A streak that goes on for days is what disables a webhook.
 * Instants are milliseconds since the epoch.
 */
export interface FailingStreak {
  /** When its first attempt ended. */
  since: number;
  attempts: number;
  /** Days (UTC) on which there were any. */
  days: number;
  /** When its latest attempt ended. */
  latestAt: number;
}

const DAY_MS = 86_400_000;
const DISABLED_AFTER_MS = 5 * DAY_MS;
const DISABLED_AFTER_ATTEMPTS = 20;
const DISABLED_AFTER_DAYS = 3;
/** What a crash may forget of a streak. */
const KEEP_EVERY_MS = 3_600_000;

/** Pure: the streak after one more attempt that was no success. */
export function lengthen(streak: FailingStreak | null, now: number): FailingStreak {
  if (streak === null) return { since: now, attempts: 1, days: 1, latestAt: now };
  const isNewDay = Math.floor(now / DAY_MS) > Math.floor(streak.latestAt / DAY_MS);
  return { ...streak, attempts: streak.attempts + 1, days: streak.days + (isNewDay ? 1 : 0), latestAt: now };
}

/** Whether a webhook is given up: for 5 days at least 20 attempts on at least 3 days, and none a success. */
export function isHopeless({ since, attempts, days }: FailingStreak, now: number): boolean {
  return now - since >= DISABLED_AFTER_MS && attempts >= DISABLED_AFTER_ATTEMPTS && days >= DISABLED_AFTER_DAYS;
}

/**
 * Whether what is known now is worth a write, which must not happen at each attempt: once an hour while the streak lasts, and
 * when one that was written is over.
 * @param kept what was written last
 */
export function isStreakNews(kept: FailingStreak | null, present: FailingStreak | null): boolean {
  if (present === null) return kept !== null;
  return present.latestAt - (kept?.since === present.since ? kept.latestAt : present.since) >= KEEP_EVERY_MS;
}
