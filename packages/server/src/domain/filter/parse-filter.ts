import type { FieldError } from '../../errors.ts';
import { fieldPath } from '../field-path.ts';
import { isPlainObject } from '../field-reader.ts';
import type { Filter } from './filter.ts';
import { readField } from './parse-field.ts';

/** Of a filter, as JSON. */
export const MAX_FILTER_LENGTH = 32 * 1024;
export const MAX_FILTER_NESTING = 10;
export const MAX_FILTER_TESTS = 100;
/** A filter with more faults is something else altogether. */
const MAX_PROBLEMS = 20;

/** Stands for what could not be read. */
const NOTHING: Filter = { kind: 'all', parts: [] };

/**
 * Reads a filter: an object whose keys must all hold. A key is `event`, a field of `data`, or one of `all`, `any` (lists of
 * filters) and `not` (a filter). A value is what the field must be equal to, a list of which it must be one, or an object of
 * operators. At most 32 KiB of JSON, 10 levels of `all`, `any` and `not`, and 100 tests.
 *
 * @param base path of the filter in the request
 * @returns the filter, whose paths begin behind `base`; or everything that is wrong, with whole paths
 */
export function parseFilter(value: unknown, base: string): { filter: Filter } | { problems: readonly FieldError[] } {
  const problems: FieldError[] = [];
  const report = (path: string, message: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push({ path: pathInFilter(base, path), message });
  };
  let tests = 0;

  const readObject = (given: unknown, path: string, depth: number): Filter => {
    const entries = isPlainObject(given) ? Object.entries(given) : [];
    if (!isPlainObject(given)) report(path, 'must be an object of fields and what each must be');
    else if (entries.length === 0) report(path, 'must name at least one field');
    else if (depth > MAX_FILTER_NESTING)
      report(path, `must be at most ${MAX_FILTER_NESTING} levels of all, any and not`);
    if (depth > MAX_FILTER_NESTING) return NOTHING;
    const parts = entries.map(([key, part]) => readPart(key, part, { path: fieldPath(path, key), depth: depth + 1 }));
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : { kind: 'all', parts };
  };

  const readPart = (key: string, given: unknown, { path, depth }: { path: string; depth: number }): Filter => {
    if (key === 'not') return { kind: 'not', part: readObject(given, path, depth) };
    if (key === 'all' || key === 'any') {
      const list = Array.isArray(given) ? given : [];
      if (list.length === 0) report(path, 'must be a list of at least one filter');
      return { kind: key, parts: list.map((part, i) => readObject(part, fieldPath(path, i), depth)) };
    }
    const filter = readField(key, given, { path, report });
    tests += filter?.tests.length ?? 0;
    return filter ?? NOTHING;
  };

  if (isPlainObject(value) && JSON.stringify(value).length > MAX_FILTER_LENGTH) {
    report('', `must be at most ${MAX_FILTER_LENGTH / 1024} KiB of JSON`);
    return { problems };
  }
  const filter = readObject(value, '', 0);
  if (tests > MAX_FILTER_TESTS) report('', `must make at most ${MAX_FILTER_TESTS} tests; it makes ${tests}`);
  return problems.length > 0 ? { problems } : { filter };
}

/** The whole path of a part of a filter. */
export function pathInFilter(base: string, path: string): string {
  return path === '' ? base : `${base}.${path}`;
}
