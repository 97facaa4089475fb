import { isPlainObject } from '../field-reader.ts';
import type { FilterConfig } from './filter.ts';

/** Operators to which null can be given, and those that take it in a list. */
const IN_LIST = new Map([
  ['equals', 'in'],
  ['not_equals', 'not_in'],
  ['contains', 'contains'],
  ['not_contains', 'not_contains'],
]);

/**
 * Writes a filter that was read without null as the value of a key: in a merge patch (RFC 7396) that takes the key out, so
 * what a read shows could not be sent back. `{"a": null}` becomes `{"a": [null]}`, which means the same.
 */
export function listNulls(filter: FilterConfig): FilterConfig {
  return Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, listNullsOf(key, value)]));
}

function listNullsOf(key: string, value: unknown): unknown {
  if (key === 'not' && isPlainObject(value)) return listNulls(value);
  if ((key === 'all' || key === 'any') && Array.isArray(value)) return value.map(listNulls);
  if (value === null) return [null];
  if (!isPlainObject(value) || !Object.values(value).includes(null)) return value;
  const operators = Object.entries(value).map(([operator, operand]): [string, unknown] =>
    operand === null ? [IN_LIST.get(operator) ?? operator, [null]] : [operator, operand],
  );
  return Object.fromEntries(operators.map(([operator, operand]) => [operator, withListed(operator, operand, value)]));
}

/** Null goes to what is in the list already: equal to it and among others is equal to it, and neither is none of them. */
function withListed(operator: string, operand: unknown, given: Readonly<Record<string, unknown>>): unknown {
  if (operator === 'in' && given['equals'] === null) return [null];
  if (operator === 'not_in' && given['not_equals'] === null && Array.isArray(given['not_in'])) {
    return [...given['not_in'], null];
  }
  return operand;
}
