import { type FieldReader, isPlainObject } from './field-reader.ts';

/**
 * The order that a webhook keeps: deliveries of one `run_id` go one after the other, as they were taken in. Deliveries without
 * one, and those that were owed before the webhook kept an order, are in none.
 */
export interface Ordering {
  by: 'run';
  /** What follows a delivery of its run that failed for good waits until a person retries it or gives it up, or goes on. */
  on_exhausted: OnExhausted;
}

export type OnExhausted = 'block' | 'skip';

const ON_EXHAUSTED: readonly OnExhausted[] = ['block', 'skip'];
const FORMS = '"run", or {"by": "run", "on_exhausted": "block"} (or "skip")';

/** Reads `ordering`: `"run"`, or an object, of which `on_exhausted` is `block` unless it is given. Default null: no order. */
export function readOrdering(fields: FieldReader): Ordering | null {
  const value = fields.value('ordering');
  if (value === undefined) return null;
  // A batch is made of what comes, whatever runs that is of, and fails as one.
  if (fields.value('batch') !== undefined)
    fields.report('ordering', 'cannot be combined with batch; leave one of them out');
  if (value === 'run') return { by: 'run', on_exhausted: 'block' };
  if (!isPlainObject(value)) {
    fields.report('ordering', `must be ${FORMS}`);
    return null;
  }
  const given = fields.object('ordering');
  given.refuseUnknown(['by', 'on_exhausted']);
  if (given.value('by') === undefined) given.report('by', 'is required: "run"');
  return { by: given.oneOf('by', ['run'], 'run'), on_exhausted: given.oneOf('on_exhausted', ON_EXHAUSTED, 'block') };
}

/** The run that keeps a delivery in order; null: none, it goes whenever it can. */
export function runInOrder(ordering: Ordering | null, runId: string | null): string | null {
  return ordering === null ? null : runId;
}
