import Type, { type Static } from 'typebox';
import type { FailedTest } from '../domain/filter/explain-filter.ts';

/** Longer values are cut: they are shown to recognise them. */
const MAX_SHOWN_LENGTH = 500;
/** A filter that fails in more ways is told about by the first of them. */
const MAX_SHOWN_TESTS = 20;

export const failedTestSchema = Type.Object({
  path: Type.String({ description: 'Of the test in the configuration, such as `filters.cost.greater_than`.' }),
  field: Type.String({ description: 'The field that it looks at.' }),
  absent: Type.Boolean({ description: 'The event does not have the field.' }),
  value: Type.Unknown({
    description: 'What the field is: null where it is absent, a list where an array is on the way; long ones are cut.',
  }),
  message: Type.String({ description: 'In words.' }),
});

export type FailedTestJson = Static<typeof failedTestSchema>;

/** What kept an event from being matched. */
export function presentFailedTests(failed: readonly FailedTest[]): FailedTestJson[] {
  return failed.slice(0, MAX_SHOWN_TESTS).map((test) => {
    const { path, key: field, seen } = test;
    const value = seen.length > 1 ? seen.map(shorten) : shorten(seen[0] ?? null);
    return { path, field, absent: seen.length === 0, value, message: messageOf(test) };
  });
}

function messageOf({ key, operator, operand, seen, holds }: FailedTest): string {
  const found = seen.length === 0 ? 'is absent' : `is ${seen.map(written).join(', ')}`;
  const test = `${operator} ${written(operand)}`;
  return holds ? `${key} ${found}: ${test} holds, and stands inside of not` : `${key} ${found}: not ${test}`;
}

function written(value: unknown): string {
  const shown = shorten(value);
  return shown === value ? JSON.stringify(value) : String(shown);
}

function shorten(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN_LENGTH ? value : `${text.slice(0, MAX_SHOWN_LENGTH).toWellFormed()}…`;
}
