/** Longer keys are cut in a path: a path is for people, and a hostile key may be as long as the body. */
const LONGEST_KEY = 80;

/**
 * The path of a member of `parent`: `retry_policy.max_retries`, `events[2]`. A dot inside a key is written `\.`.
 * `parent` is empty for the body itself.
 */
export function fieldPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  const shown = key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY)}…` : key;
  const escaped = shown.toWellFormed().replaceAll('.', '\\.');
  return parent === '' ? escaped : `${parent}.${escaped}`;
}
