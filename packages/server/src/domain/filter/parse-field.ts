import { nearestNames } from '@broxi/events/names';
import { fieldPath } from '../field-path.ts';
import { isPlainObject } from '../field-reader.ts';
import { isCatalogField } from './catalog-fields.ts';
import { contradictionIn } from './contradiction.ts';
import { readFieldName } from './field-name.ts';
import { type FieldFilter, type FieldTest, OPERATORS, type Operator } from './filter.ts';
import { readTest } from './operators.ts';

interface At {
  path: string;
  report(path: string, message: string): void;
}

const SHORTHAND = '_contains';

/**
 * Reads one key of a filter that names a field, with its value. `<field>_contains` is short for `contains`, unless the catalog
 * has a field of exactly that name.
 *
 * @returns null, having reported why, where it cannot be read
 */
export function readField(given: string, value: unknown, { path, report }: At): FieldFilter | null {
  const isShort = given.endsWith(SHORTHAND) && !given.endsWith(`\\${SHORTHAND}`) && !isCatalogField(given);
  const key = isShort ? given.slice(0, -SHORTHAND.length) : given;
  const field = readFieldName(key);
  const problem = 'problem' in field ? field.problem : isShort ? shorthandProblem(key, value) : null;
  if ('problem' in field || problem !== null) {
    report(path, problem ?? '');
    return null;
  }
  const name = field.of === 'event' ? '' : (field.steps.at(-1) ?? '');
  const tests = readTests(isShort ? { contains: value } : value, { path, report, name, isShort });
  if (tests === null) return null;
  const contradiction = contradictionIn(tests) ?? (field.of === 'event' ? wildcardIn(tests) : null);
  if (contradiction !== null) report(path, contradiction);
  return { kind: 'field', path, key, field, tests };
}

function readTests(
  value: unknown,
  { path, report, name, isShort }: At & { name: string; isShort: boolean },
): FieldTest[] | null {
  const isObject = isPlainObject(value);
  const operators = isObject ? Object.entries(value) : [[Array.isArray(value) ? 'in' : 'equals', value] as const];
  if (operators.length === 0) report(path, 'must hold at least one operator');
  const tests = operators.map(([operator, operand]): FieldTest | null => {
    const at = isObject && !isShort ? fieldPath(path, operator) : path;
    if (!isOperator(operator)) {
      report(at, unknownOperator(operator));
      return null;
    }
    const holds = readTest(operator, operand, name);
    if (typeof holds === 'function') return { path: at, operator, operand, holds };
    report(at, holds.problem);
    return null;
  });
  const read = tests.filter((test) => test !== null);
  return read.length === tests.length && read.length > 0 ? read : null;
}

function isOperator(name: string): name is Operator {
  return OPERATORS.some((operator) => operator === name);
}

/** What other languages call operators. */
const ELSEWHERE = new Map<string, Operator>([
  ['eq', 'equals'],
  ['ne', 'not_equals'],
  ['nin', 'not_in'],
  ['gt', 'greater_than'],
  ['gte', 'greater_than_or_equal'],
  ['lt', 'less_than'],
  ['lte', 'less_than_or_equal'],
  ['regex', 'matches'],
  ['prefix', 'starts_with'],
  ['suffix', 'ends_with'],
]);

function unknownOperator(given: string): string {
  const name = given.replace(/^\$/, '').toLowerCase();
  const begins = OPERATORS.find((operator) => name !== '' && operator.startsWith(name));
  const near = ELSEWHERE.get(name) ?? nearestNames(name, OPERATORS)[0] ?? begins;
  const hint = near === undefined ? `expected one of ${OPERATORS.join(', ')}` : `did you mean ${near}?`;
  return `is not an operator; ${hint} (a field inside of another is written with a dot: "error.code")`;
}

function shorthandProblem(field: string, value: unknown): string | null {
  if (field.endsWith('_not')) {
    return `is not an operator of a field; write {"${field.slice(0, -'_not'.length)}": {"not_contains": …}}`;
  }
  return isPlainObject(value) ? `is short for {"${field}": {"contains": …}}: must be a text or a list of texts` : null;
}

/** Subscriptions know families; a filter compares whole names. */
function wildcardIn(tests: readonly FieldTest[]): string | null {
  const compared = tests.filter(({ operator }) => operator === 'equals' || operator === 'in');
  const names = compared.flatMap(({ operand }) => operand);
  return names.some((name) => typeof name === 'string' && name.endsWith('*'))
    ? 'must be whole names of event types; for a family write {"starts_with": "workflow."}'
    : null;
}
