/** What {@link readDuration} takes, in words. */
export const DURATION_FORMS = 'a number of seconds, or a text such as "500ms", "5s", "2m", "1h" or "1d"';

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A duration as the API takes it: seconds as a number, or a text of a decimal number and a unit (`ms`, `s`, `m`, `h`, `d`).
 * A text is read to the microsecond, so that "0.1m" is 6 and not a neighbour of it.
 *
 * @returns seconds, never negative; null if it is anything else
 */
export function readDuration(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : null;
  if (typeof value !== 'string' || value.length > 30) return null;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) ?? [];
  const unitMs = unit === undefined ? undefined : MS_PER_UNIT[unit];
  if (unitMs === undefined) return null;
  return Math.round(Number(amount) * unitMs * 1000) / 1e6;
}

/** The largest unit that shows a duration without a fraction: 90 → "90 s", 86,400 → "1 day". */
export function describeSeconds(seconds: number): string {
  if (seconds > 0 && seconds % 86_400 === 0) return seconds === 86_400 ? '1 day' : `${seconds / 86_400} days`;
  return `${seconds} s`;
}
