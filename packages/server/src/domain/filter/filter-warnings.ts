import { nearestNames } from '@broxi/events/names';
import { type FieldKinds, fieldKinds, fieldsOf } from './catalog-fields.ts';
import { isNegative, kindsOf } from './contradiction.ts';
import type { FieldFilter, FieldTest, Filter } from './filter.ts';
import { pathInFilter } from './parse-filter.ts';

const MAX_WARNINGS = 20;
/** Types that a sentence names. */
const NAMED = 3;

/**
 * What a filter asks of types of the catalog that they never have, each a sentence: a field that is not in their schema, or a
 * kind of value that a field never is.
 *
 * @param options.types of the catalog, that the filter is applied to
 * @param options.base path of the filter
 * @param options.some a field that only some of the types have is no surprise
 */
export function filterWarnings(
  filter: Filter,
  options: { types: readonly string[]; base: string; some?: boolean },
): string[] {
  if (options.types.length === 0) return [];
  return fieldsIn(filter)
    .flatMap((field) => warningsOf(field, options))
    .slice(0, MAX_WARNINGS);
}

function fieldsIn(filter: Filter): FieldFilter[] {
  if (filter.kind === 'field') return [filter];
  return filter.kind === 'not' ? fieldsIn(filter.part) : filter.parts.flatMap(fieldsIn);
}

function warningsOf(
  filter: FieldFilter,
  { types, base, some = false }: { types: readonly string[]; base: string; some?: boolean },
): string[] {
  const { field, key, path, tests } = filter;
  if (field.of === 'event') return [];
  const kinds = types.map((type) => fieldKinds(type, field.steps));
  const without = types.filter((_, i) => kinds[i] === 'nothing');
  if (without.length === types.length) {
    const near = nearestField(key, types);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return [`${pathInFilter(base, path)}: ${listed(without)} never ${have(without)} ${key}${hint}`];
  }
  const found = [...impossible(tests, kinds, field.steps.at(-1) ?? '')].map(
    (test) => `${pathInFilter(base, test.path)}: ${key} is never a value that ${test.operator} can hold for.`,
  );
  if (without.length > 0 && !some) {
    found.unshift(`${pathInFilter(base, path)}: ${listed(without)} never ${have(without)} ${key}.`);
  }
  return found;
}

/** Tests that no value of the kinds can pass. */
function impossible(tests: readonly FieldTest[], kinds: readonly FieldKinds[], name: string): FieldTest[] {
  if (kinds.includes('anything')) return [];
  const possible = kinds.flatMap((one) => (typeof one === 'string' ? [] : [...one]));
  return tests.filter((test) => {
    if (isNegative(test.operator)) return false;
    const fitting = kindsOf(test);
    const readsTotal = name === 'token_usage' && fitting.includes('number') && test.operator.includes('than');
    return !readsTotal && !fitting.some((kind) => possible.includes(kind));
  });
}

function nearestField(key: string, types: readonly string[]): string | undefined {
  const known = new Set(types.flatMap(fieldsOf));
  const behindData = key.startsWith('data.') ? key.slice('data.'.length) : '';
  return known.has(behindData) ? behindData : nearestNames(key, known)[0];
}

function listed(types: readonly string[]): string {
  const more = types.length - NAMED;
  return types.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function have(types: readonly string[]): string {
  return types.length === 1 ? 'has' : 'have';
}
