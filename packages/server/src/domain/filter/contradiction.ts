import type { FieldTest, Operator } from './filter.ts';

/** What a value is. */
export type Kind = 'text' | 'number' | 'boolean' | 'null' | 'array' | 'object';

const BOUNDS = ['greater_than', 'greater_than_or_equal', 'less_than', 'less_than_or_equal'];

/**
 * Why no value passes all tests of one field together: an empty range, a value that another test refuses, tests for different
 * kinds of value, or tests of a field that must be absent. Null where nothing speaks against it.
 */
export function contradictionIn(tests: readonly FieldTest[]): string | null {
  const positive = tests.filter(({ operator }) => operator !== 'exists' && !isNegative(operator));
  const absent = tests.some(({ operator, operand }) => operator === 'exists' && operand === false);
  if (absent && positive.length > 0) return `can never hold: exists is false, and ${namesOf(positive)} needs a value`;
  const chosen = tests.find(({ operator }) => operator === 'equals' || operator === 'in');
  if (chosen !== undefined) {
    const values: readonly unknown[] = chosen.operator === 'in' ? [chosen.operand].flat() : [chosen.operand];
    const possible = values.some((value) => tests.every(({ holds }) => holds(value)));
    return possible ? null : `can never hold: no value passes ${namesOf(tests)} together`;
  }
  return emptyRange(tests) ?? differentKinds(positive);
}

function emptyRange(tests: readonly FieldTest[]): string | null {
  const limits = (prefix: string) =>
    tests
      .filter(({ operator }) => operator.startsWith(prefix))
      .map(({ operator, operand }) => ({ operator, value: Number(operand) }));
  for (const low of limits('greater_than')) {
    for (const high of limits('less_than')) {
      const closed = low.operator.endsWith('equal') && high.operator.endsWith('equal');
      if (low.value < high.value || (closed && low.value === high.value)) continue;
      return `can never hold: no number is ${low.operator} ${low.value} and ${high.operator} ${high.value}`;
    }
  }
  return null;
}

function differentKinds(positive: readonly FieldTest[]): string | null {
  const [first, ...rest] = positive;
  for (const test of rest) {
    const kinds = kindsOf(test);
    if (first === undefined || kindsOf(first).some((kind) => kinds.includes(kind))) continue;
    return `can never hold: ${first.operator} is for ${namesOfKinds(first)}, ${test.operator} for ${namesOfKinds(test)}`;
  }
  return null;
}

/** The kinds of value that can pass a test which is not negative. */
export function kindsOf({ operator, operand }: Pick<FieldTest, 'operator' | 'operand'>): readonly Kind[] {
  if (operator === 'exists') return ['text', 'number', 'boolean', 'null', 'array', 'object'];
  if (BOUNDS.includes(operator)) return ['number'];
  if (operator === 'starts_with' || operator === 'ends_with' || operator === 'matches') return ['text'];
  const kinds = [operand].flat().map(kindOf);
  return operator === 'contains' ? (kinds.includes('text') ? ['text', 'array'] : ['array']) : kinds;
}

export function isNegative(operator: Operator): boolean {
  return operator.startsWith('not_');
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'text';
  return typeof value === 'number' ? 'number' : 'boolean';
}

function namesOfKinds(test: FieldTest): string {
  return kindsOf(test).join(' or ');
}

function namesOf(tests: readonly FieldTest[]): string {
  return tests.map(({ operator }) => operator).join(' and ');
}
