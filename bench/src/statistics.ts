/** The middle value; the mean of the two middle ones for an even count. Throws a `RangeError` for no values. */
export function median(values: readonly number[]): number {
  const sorted = sortedCopy(values);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('The median of no values is not defined.');
  return (lower + upper) / 2;
}

/**
 * The smallest value that at least `share` of all values do not exceed (the nearest-rank method: always a value that was
 * measured, never an interpolation). `share` is above 0 and at most 1. Throws a `RangeError` otherwise or for no values.
 */
export function percentile(values: readonly number[], share: number): number {
  if (!(share > 0 && share <= 1)) throw new RangeError(`share must be above 0 and at most 1, not ${share}.`);
  const value = sortedCopy(values)[Math.ceil(values.length * share) - 1];
  if (value === undefined) throw new RangeError('A percentile of no values is not defined.');
  return value;
}

/** `p50`, `p99`, `min` and `max` of values, in the unit of the values. Negative values stay negative. */
export interface Distribution {
  count: number;
  min: number;
  p50: number;
  p99: number;
  max: number;
}

/** Throws a `RangeError` for no values. */
export function distributionOf(values: readonly number[]): Distribution {
  return {
    count: values.length,
    min: percentile(values, Number.MIN_VALUE),
    p50: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    max: percentile(values, 1),
  };
}

function sortedCopy(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}
