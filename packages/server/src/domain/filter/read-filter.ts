import type { FieldError } from '../../errors.ts';
import { type FieldReader, isPlainObject } from '../field-reader.ts';
import type { FilterConfig } from './filter.ts';
import { listNulls } from './list-nulls.ts';
import { parseFilter } from './parse-filter.ts';

/** Reads a field that holds a filter. Absent, null and an object without keys are none. */
export function readFilter(fields: FieldReader, name: string, problems: FieldError[]): FilterConfig | null {
  const value = fields.value(name);
  if (value === undefined || (isPlainObject(value) && Object.keys(value).length === 0)) return null;
  const read = parseFilter(value, fields.path(name));
  if ('problems' in read) problems.push(...read.problems);
  return isPlainObject(value) && 'filter' in read ? listNulls(value) : null;
}
