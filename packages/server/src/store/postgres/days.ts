/**
 * History by day: `events`, `deliveries` and `attempts`.
 *
 * ```
 *   events ──┬── events_by_day ──┬── events_20261125     by the time in the id
 *            │                   └── …                   a week ahead: make-days.ts
 *            └── events_aside                            whatever has no day that is open
 * ```
 *
 * Each row says itself on which side it is. What would go to a day that is not there, or is being removed, goes aside: ids
 * made by a clock that is wrong, days that nobody could make, outcomes of what waited for longer than history is kept. So no
 * insert ever lacks a partition. Look-ups by id touch one day, and what is aside, which is little.
 *
 * `broxi.days` has a row for each day, without gaps. Retention closes those that are old, takes aside what has to stay, and
 * drops the rest as a whole: drop-days.ts.
 */
export const HISTORY = [
  { table: 'events', key: 'id', prefix: 'evt' },
  { table: 'deliveries', key: 'id', prefix: 'del' },
  { table: 'attempts', key: 'delivery_id', prefix: 'del' },
] as const;

export type HistoryTable = (typeof HISTORY)[number];

export const DAY_MS = 86_400_000;

/** Whether a row with this id goes aside; for what inserts it. A day that is open now stays so until that is committed. */
export function isAside(id: string, prefix: HistoryTable['prefix']): string {
  const [first, until] = ['first', 'until'].map((bound) => `'${prefix}_' || (SELECT ${bound} FROM broxi.open_days)`);
  return `(${id} >= ${first} AND ${id} < ${until}) IS NOT TRUE`;
}

/** Whether a row is to stay: what belongs to a day that is being removed is as good as gone, and nothing is owed anew of it. */
export function isToStay(row: string, prefix: HistoryTable['prefix']): string {
  return `(${row}.aside OR ${row}.id >= '${prefix}_' || (SELECT first FROM broxi.open_days))`;
}

/** How the digits of an id begin that is made at an instant. */
export function digitsOf(at: number): string {
  return at.toString(16).padStart(12, '0');
}

/** The partition of a table for a day, as it is called in SQL. @param first as in `broxi.days` */
export function partitionOf({ table }: HistoryTable, first: string): string {
  const digits = new Date(Number.parseInt(first, 16)).toISOString().replaceAll(/\D/g, '');
  return `broxi.${table}_${digits.replace(/0{9}$/, '')}`;
}
