/** What a filter looks at: one event. */
export interface Subject {
  /** Its type. */
  event: string;
  /** Its `data`, parsed. */
  data: unknown;
}

/** A filter that was read, as a tree. Paths lead from the filter's own root to the part: `cost.greater_than`, `any[1].output`. */
export type Filter = Combined | Negated | FieldFilter;

/** `all`: every part holds. `any`: at least one does. */
export interface Combined {
  kind: 'all' | 'any';
  parts: readonly Filter[];
}

/** Holds exactly where its part does not. */
export interface Negated {
  kind: 'not';
  part: Filter;
}

/** Every test holds of one and the same value of the field. */
export interface FieldFilter {
  kind: 'field';
  path: string;
  /** The key as it was written. */
  key: string;
  field: FieldName;
  tests: readonly FieldTest[];
}

/** The event's type, or a field of `data` by its steps. */
export type FieldName = { of: 'event' } | { of: 'data'; steps: readonly string[] };

export interface FieldTest {
  path: string;
  operator: Operator;
  /** As it was written. */
  operand: unknown;
  holds: Probe;
}

/** Whether a value passes. {@link ABSENT} stands for none. */
export type Probe = (value: unknown) => boolean;

/** The value of a field that is not there. Null is a value. */
export const ABSENT = Symbol('absent');

export const OPERATORS = [
  'equals',
  'not_equals',
  'in',
  'not_in',
  'starts_with',
  'ends_with',
  'contains',
  'not_contains',
  'matches',
  'exists',
  'greater_than',
  'greater_than_or_equal',
  'less_than',
  'less_than_or_equal',
] as const;
export type Operator = (typeof OPERATORS)[number];

/** A filter as it is written and stored: JSON. */
export type FilterConfig = Readonly<Record<string, unknown>>;
