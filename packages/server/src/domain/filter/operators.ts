import { ABSENT, type Operator, type Probe } from './filter.ts';
import { compilePattern } from './pattern.ts';

const MAX_LIST_LENGTH = 1_000;

type Scalar = string | number | boolean | null;
type Read = Probe | { problem: string };

/**
 * The test that an operator makes with its operand. Values are never converted: a text and a number are never equal, and
 * neither is above the other. What a field is not, or is absent, fails every test but `exists: false` and those with not_,
 * which are the complements of the ones without.
 *
 * @param field the last step of the field's name: numeric operators read the total of `token_usage`
 * @returns the test, or what the operand must be
 */
export function readTest(operator: Operator, operand: unknown, field: string): Read {
  switch (operator) {
    case 'equals':
    case 'not_equals': {
      if (Array.isArray(operand)) return { problem: `must be one value; for a list write ${LIST_FORM[operator]}` };
      if (!isScalar(operand)) return { problem: 'must be a text, a number, true, false or null' };
      const equals: Probe = (value) => value === operand;
      return operator === 'equals' ? equals : complement(equals);
    }
    case 'in':
    case 'not_in': {
      const problem = listProblem(operand, isScalar, 'texts, numbers, true, false or null');
      if (problem !== null || !Array.isArray(operand)) return { problem: problem ?? '' };
      const among = isAmong(operand);
      return operator === 'in' ? among : complement(among);
    }
    case 'starts_with':
      return readTexts(operand, (value, text) => value.startsWith(text));
    case 'ends_with':
      return readTexts(operand, (value, text) => value.endsWith(text));
    case 'contains':
      return readContains(operand);
    case 'not_contains': {
      const contains = readContains(operand);
      return typeof contains === 'function' ? complement(contains) : contains;
    }
    case 'matches': {
      if (typeof operand !== 'string') return { problem: 'must be a regular expression, as a text' };
      const pattern = compilePattern(operand);
      return 'problem' in pattern ? pattern : (value) => typeof value === 'string' && pattern.test(value);
    }
    case 'exists':
      if (typeof operand !== 'boolean') return { problem: 'must be true or false' };
      return (value) => (value !== ABSENT) === operand;
    default:
      if (typeof operand !== 'number') return { problem: 'must be a number' };
      return comparison(operator, operand, field === 'token_usage' ? totalTokens : (value) => value);
  }
}

const LIST_FORM = { equals: 'in', not_equals: 'not_in' } as const;

type Comparison = 'greater_than' | 'greater_than_or_equal' | 'less_than' | 'less_than_or_equal';

function comparison(operator: Comparison, limit: number, numberOf: (value: unknown) => unknown): Probe {
  const compares = (fits: (value: number) => boolean): Probe => {
    return (value) => {
      const number = numberOf(value);
      return typeof number === 'number' && fits(number);
    };
  };
  switch (operator) {
    case 'greater_than':
      return compares((value) => value > limit);
    case 'greater_than_or_equal':
      return compares((value) => value >= limit);
    case 'less_than':
      return compares((value) => value < limit);
    case 'less_than_or_equal':
      return compares((value) => value <= limit);
  }
}

function totalTokens(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.hasOwn(value, 'total_tokens') ? (value as { total_tokens: unknown }).total_tokens : undefined;
}

/** Any of some texts; one need not stand in a list. */
function readTexts(operand: unknown, fits: (value: string, text: string) => boolean): Read {
  const texts = Array.isArray(operand) ? operand : [operand];
  const problem = listProblem(texts, isText, 'texts that are not empty');
  if (problem !== null) return { problem: Array.isArray(operand) ? problem : 'must be a text that is not empty' };
  return (value) => typeof value === 'string' && texts.some((text: string) => fits(value, text));
}

/** Any of some values: a part of a text, or an element of an array. */
function readContains(operand: unknown): Read {
  const sought = Array.isArray(operand) ? operand : [operand];
  const problem = listProblem(
    sought,
    (one) => isScalar(one) && one !== '',
    'texts that are not empty, or other values',
  );
  if (problem !== null) {
    return { problem: Array.isArray(operand) ? problem : 'must be a text that is not empty, another value, or a list' };
  }
  const texts: readonly string[] = sought.filter(isText);
  const among = isAmong(sought);
  return (value) => {
    if (typeof value === 'string') return texts.some((text) => value.includes(text));
    return Array.isArray(value) && value.some(among);
  };
}

/** Up to so many values are compared one by one: a set of them would take more memory, and so more time. */
const FEW_VALUES = 8;

function isAmong(values: readonly unknown[]): Probe {
  if (values.length <= FEW_VALUES) return (value) => values.includes(value);
  const set = new Set(values);
  return (value) => set.has(value);
}

function listProblem(list: unknown, fits: (value: unknown) => boolean, what: string): string | null {
  const form = `must be a list of 1 to ${MAX_LIST_LENGTH} ${what}`;
  if (!Array.isArray(list) || list.length > MAX_LIST_LENGTH) return form;
  if (list.length === 0) return `${form}; an empty one would never match anything`;
  return list.every(fits) ? null : form;
}

function complement(probe: Probe): Probe {
  return (value) => !probe(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
