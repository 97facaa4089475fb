import { MAX_TYPE_NAME_LENGTH } from './type-name.ts';

const MAX_SUGGESTIONS = 3;

/** Share of the longer name that may differ before a suggestion is more noise than help. */
const TOLERANCE = 0.4;

/**
 * The candidates that `name` was most likely meant to be, nearest first, at most three; empty when none is near. Case is
 * ignored. Nearness is the number of characters to insert, delete, replace or swap with their neighbour (optimal string
 * alignment), up to 40 % of the longer name. A name of more than 128 characters has no near ones, which bounds the work
 * that a hostile caller can cause.
 */
export function nearestNames(name: string, candidates: Iterable<string>): string[] {
  if (name.length > MAX_TYPE_NAME_LENGTH) return [];
  const wanted = name.toLowerCase();
  const near: { candidate: string; distance: number }[] = [];
  for (const candidate of new Set(candidates)) {
    const limit = Math.floor(Math.max(name.length, candidate.length) * TOLERANCE);
    const distance = editDistance(wanted, candidate.toLowerCase(), limit);
    if (distance <= limit) near.push({ candidate, distance });
  }
  // The sort is stable: among equals, the order of the candidates stays.
  near.sort((a, b) => a.distance - b.distance);
  return near.slice(0, MAX_SUGGESTIONS).map(({ candidate }) => candidate);
}

/** The distance between two texts, or Infinity as soon as it is sure to exceed `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      }
      current.push(cost);
      best = Math.min(best, cost);
    }
    // Each row's least value is at most one above that of the row before, so not even a swap leads back below the limit.
    if (best > limit) return Number.POSITIVE_INFINITY;
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
