import type { FieldError } from '../../errors.ts';
import { fieldPath } from '../field-path.ts';
import { isPlainObject } from '../field-reader.ts';
import type { FieldTest, Filter } from './filter.ts';
import { readField } from './parse-field.ts';

/** Of a filter, as JSON. */
export const MAX_FILTER_LENGTH = 32 * 1024;
export const MAX_FILTER_NESTING = 10;
export const MAX_FILTER_TESTS = 100;
/**
 * Characters of the texts that a filter looks for inside of others. Finding one may take time proportional to its length times
 * that of the other text; with this bound it is under half a second for the worst event there can be.
 */
export const MAX_SOUGHT_LENGTH = 4_096;
/** What a pattern counts as. */
export const PATTERN_LENGTH = 400;
/** A filter with more faults is something else altogether. */
const MAX_PROBLEMS = 20;

/** Stands for what could not be read. */
const NOTHING: Filter = { kind: 'all', parts: [] };

/**
 * Reads a filter: an object whose keys must all hold. A key is `event`, a field of `data`, or one of `all`, `any` (lists of
 * filters) and `not` (a filter). A value is what the field must be equal to, a list of which it must be one, or an object of
 * operators. At most 32 KiB of JSON, 10 levels of `all`, `any` and `not`, 100 tests, and 4,096 characters of texts to look for
 * inside of others, of which a pattern counts as 400.
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
  let sought = 0;

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
    if (filter === null) return NOTHING;
    tests += filter.tests.length;
    sought += filter.tests.reduce((sum, test) => sum + soughtLength(test), 0);
    return filter;
  };

  if (isPlainObject(value) && JSON.stringify(value).length > MAX_FILTER_LENGTH) {
    report('', `must be at most ${MAX_FILTER_LENGTH / 1024} KiB of JSON`);
    return { problems };
  }
  const filter = readObject(value, '', 0);
  if (tests > MAX_FILTER_TESTS) report('', `must make at most ${MAX_FILTER_TESTS} tests; it makes ${tests}`);
  if (sought > MAX_SOUGHT_LENGTH) {
    report(
      '',
      `must look for at most ${MAX_SOUGHT_LENGTH} characters inside of texts (a pattern counts as ${PATTERN_LENGTH})`,
    );
  }
  return problems.length > 0 ? { problems } : { filter };
}

function soughtLength({ operator, operand }: FieldTest): number {
  if (operator === 'matches') return PATTERN_LENGTH;
  if (operator !== 'contains' && operator !== 'not_contains') return 0;
  const texts = [operand].flat().filter((text) => typeof text === 'string');
  return texts.reduce((sum, text) => sum + text.length, 0);
}

/** The whole path of a part of a filter. */
export function pathInFilter(base: string, path: string): string {
  return path === '' ? base : `${base}.${path}`;
}
