import { someValue } from './field-name.ts';
import type { FieldFilter, Filter, Probe, Subject } from './filter.ts';

export type CompiledFilter = (subject: Subject) => boolean;

/** Makes one function of a filter. Its answer depends on the event alone. */
export function compileFilter(filter: Filter): CompiledFilter {
  switch (filter.kind) {
    case 'field':
      return compileField(filter);
    case 'not': {
      const holds = compileFilter(filter.part);
      return (subject) => !holds(subject);
    }
    case 'all': {
      const parts = filter.parts.map(compileFilter);
      return (subject) => {
        for (const holds of parts) if (!holds(subject)) return false;
        return true;
      };
    }
    case 'any': {
      const parts = filter.parts.map(compileFilter);
      return (subject) => {
        for (const holds of parts) if (holds(subject)) return true;
        return false;
      };
    }
  }
}

function compileField({ field, tests }: FieldFilter): CompiledFilter {
  const passes = everyTest(tests.map(({ holds }) => holds));
  if (field.of === 'event') return ({ event }) => passes(event);
  const { steps } = field;
  return ({ data }) => someValue(data, steps, passes);
}

/** Whether a value passes every test. */
export function everyTest(tests: readonly Probe[]): Probe {
  const [first, ...rest] = tests;
  if (first !== undefined && rest.length === 0) return first;
  return (value) => tests.every((passes) => passes(value));
}
