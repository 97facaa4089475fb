/** HTTP statuses as the API lists them: `503`, or a range `"500-599"`. */
export type StatusCodes = readonly (number | string)[];

const LOWEST = 300;
const HIGHEST = 599;

export const STATUS_CODES_FORM = `a list of at most 100 statuses from ${LOWEST} to ${HIGHEST}, or ranges such as "500-599"`;

/** Checks a list of statuses; 2xx is always a success, and so not among them. Null if it is none. */
export function readStatusCodes(value: unknown): StatusCodes | null {
  if (!Array.isArray(value) || value.length > 100) return null;
  const ranges = value.map(readRange);
  return ranges.includes(null) ? null : value;
}

/** Every status that a list from {@link readStatusCodes} names. */
export function expandStatusCodes(codes: StatusCodes): Set<number> {
  const all = new Set<number>();
  for (const entry of codes) {
    const range = readRange(entry);
    if (range === null) continue;
    for (let status = range.first; status <= range.last; status++) all.add(status);
  }
  return all;
}

function readRange(entry: unknown): { first: number; last: number } | null {
  const [, from, to] = typeof entry === 'string' ? (/^(\d{3})-(\d{3})$/.exec(entry) ?? []) : [];
  const first = typeof entry === 'number' ? entry : Number(from);
  const last = typeof entry === 'number' ? entry : Number(to);
  return Number.isInteger(first) && first >= LOWEST && first <= last && last <= HIGHEST ? { first, last } : null;
}
