import { compileFilter } from './compile-filter.ts';
import { explainFilter, type FailedTest } from './explain-filter.ts';
import type { Filter, FilterConfig, Subject } from './filter.ts';
import { parseFilter, pathInFilter } from './parse-filter.ts';

/** What a matcher is made of; a webhook's configuration is one. */
export interface Matching {
  filters: FilterConfig | null;
  conditions: FilterConfig | null;
  routes: readonly { id: number; when: FilterConfig }[] | null;
}

/** It is delivered: to the route of this id, or (null) to the webhook's own URL. */
export interface Match {
  readonly route: number | null;
}

/** Whether an event is delivered, and where to; null: it is not. */
export type Matcher = (subject: Subject) => Match | null;

/** Delivered to the webhook's own URL. */
export const OWN_URL: Match = { route: null };

/**
 * Compiles what a saved configuration says. Filters and conditions must both hold; then the first route that holds decides.
 * @returns null where every event is delivered to the webhook's own URL
 */
export function createMatcher({ filters, conditions, routes }: Matching): Matcher | null {
  const required = [filters, conditions].filter((filter) => filter !== null).map(readSaved);
  const choices = (routes ?? []).map(({ id, when }) => ({
    holds: compileFilter(readSaved(when)),
    match: { route: id },
  }));
  if (required.length === 0 && choices.length === 0) return null;
  const holds = compileFilter({ kind: 'all', parts: required });
  return (subject) => {
    if (!holds(subject)) return null;
    for (const choice of choices) if (choice.holds(subject)) return choice.match;
    return OWN_URL;
  };
}

/** What became of an event, with the reasons. Paths are whole: `filters.cost.greater_than`, `routes[0].when.event`. */
export interface Explanation {
  matches: boolean;
  /** Why not: tests of filters and conditions. */
  failed: FailedTest[];
  /** The route that decides, by its position; null: none does, or it is not delivered. */
  route: number | null;
  /** Every route: whether its `when` holds, and why not. */
  routes: { matches: boolean; failed: FailedTest[] }[];
}

/** {@link createMatcher} with reasons, for people. */
export function createExplainer({ filters, conditions, routes }: Matching): (subject: Subject) => Explanation {
  const required = Object.entries({ filters, conditions }).flatMap(([base, filter]) =>
    filter === null ? [] : [{ base, filter: readSaved(filter) }],
  );
  const choices = (routes ?? []).map(({ when }, i) => ({ base: `routes[${i}].when`, filter: readSaved(when) }));
  return (subject) => {
    const explain = ({ base, filter }: { base: string; filter: Filter }) =>
      explainFilter(filter, subject).map((failed) => ({ ...failed, path: pathInFilter(base, failed.path) }));
    const failed = required.flatMap(explain);
    const byRoute = choices.map(explain).map((failing) => ({ matches: failing.length === 0, failed: failing }));
    const route = byRoute.findIndex(({ matches }) => matches);
    const matches = failed.length === 0;
    return { matches, failed, route: matches && route >= 0 ? route : null, routes: byRoute };
  };
}

/** What was saved was read before, so nothing can be wrong with it. */
function readSaved(config: FilterConfig): Filter {
  const read = parseFilter(config, 'filter');
  if ('filter' in read) return read.filter;
  throw new Error(`a saved filter cannot be read: ${read.problems.map(({ path, message }) => `${path} ${message}`)}`);
}
