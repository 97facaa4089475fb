import { everyTest } from './compile-filter.ts';
import { someValue } from './field-name.ts';
import { ABSENT, type FieldFilter, type Filter, type Operator, type Subject } from './filter.ts';

/** One test that stands in the way of a filter, and what it saw. */
export interface FailedTest {
  /** Of the test, behind the filter's own path: `cost.greater_than`. */
  path: string;
  /** The key that names the field. */
  key: string;
  operator: Operator;
  operand: unknown;
  /** What the field is; several where an array is on the way. Empty: it is absent. */
  seen: readonly unknown[];
  /** The test holds, and must not: it stands inside of `not`. */
  holds: boolean;
}

/** More values of one field are not shown. */
const MAX_SEEN = 10;

/** Why a filter does not hold for an event: every test to blame. Empty exactly where it holds. */
export function explainFilter(filter: Filter, subject: Subject): FailedTest[] {
  return blame(filter, subject, true);
}

/** What keeps a filter from being `wanted`; empty where it is. Inside of `not`, what holds is to blame. */
function blame(filter: Filter, subject: Subject, wanted: boolean): FailedTest[] {
  switch (filter.kind) {
    case 'not':
      return blame(filter.part, subject, !wanted);
    case 'field':
      return blameField(filter, subject, wanted);
    default: {
      const parts = filter.parts.map((part) => blame(part, subject, wanted));
      // One part is enough for `any` to hold, and for `all` to fail.
      const oneIsEnough = (filter.kind === 'any') === wanted;
      return oneIsEnough && parts.some((failed) => failed.length === 0) ? [] : parts.flat();
    }
  }
}

function blameField(filter: FieldFilter, subject: Subject, wanted: boolean): FailedTest[] {
  const { key, tests } = filter;
  const passes = (some: typeof tests) => someSeen(filter, subject, everyTest(some.map(({ holds }) => holds)));
  if (passes(tests) === wanted) return [];
  const failing = wanted ? tests.filter((test) => !passes([test])) : tests;
  const seen = valuesSeen(filter, subject);
  // Elements of an array may pass each test, and none of them all.
  return (failing.length > 0 ? failing : tests).map(({ path, operator, operand }) => ({
    path,
    key,
    operator,
    operand,
    seen,
    holds: !wanted,
  }));
}

function someSeen({ field }: FieldFilter, { event, data }: Subject, passes: (value: unknown) => boolean): boolean {
  return field.of === 'event' ? passes(event) : someValue(data, field.steps, passes);
}

function valuesSeen(filter: FieldFilter, subject: Subject): unknown[] {
  const seen: unknown[] = [];
  someSeen(filter, subject, (value) => {
    if (value !== ABSENT) seen.push(value);
    return seen.length === MAX_SEEN;
  });
  return seen;
}
