import { catalog, subscriptionMatches } from '@broxi/events';
import type { FieldError } from '../errors.ts';
import type { FieldReader } from './field-reader.ts';
import type { FilterConfig } from './filter/filter.ts';
import { filterWarnings } from './filter/filter-warnings.ts';
import { parseFilter } from './filter/parse-filter.ts';
import { readFilter } from './filter/read-filter.ts';
import { type RouteConfig, readRoutes } from './routes.ts';
import type { UrlRules } from './webhook-url.ts';

/** The part of a webhook's configuration that decides what it gets of what it subscribed to, and where that goes. */
export interface MatchingConfig {
  /** An event is delivered where filters and conditions hold; null: it always is. */
  filters: FilterConfig | null;
  conditions: FilterConfig | null;
  /** At most 20; the first that holds decides where an event goes, else `url`. */
  routes: readonly RouteConfig[] | null;
}

export const MATCHING_FIELDS: readonly string[] = ['filters', 'conditions', 'routes'];

/** Reads `filters`, `conditions` and `routes`. */
export function readMatching(
  fields: FieldReader,
  { rules, problems }: { rules: UrlRules & { headerPrefix: string }; problems: FieldError[] },
): MatchingConfig {
  return {
    filters: readFilter(fields, 'filters', problems),
    conditions: readFilter(fields, 'conditions', problems),
    routes: readRoutes(fields, { rules, problems }),
  };
}

/**
 * What filters, conditions and routes ask of subscribed types of the catalog that those never have; each a sentence. Custom
 * types are not looked at. A route is for some of the types, so it may ask for what only some have.
 */
export function matchingWarnings({ filters, conditions, routes }: MatchingConfig, events: readonly string[]): string[] {
  const types = Object.keys(catalog).filter((type) => events.some((name) => subscriptionMatches(name, type)));
  const warningsOf = (given: FilterConfig | null, options: { base: string; some?: boolean }) => {
    const read = given === null ? null : parseFilter(given, options.base);
    return read !== null && 'filter' in read ? filterWarnings(read.filter, { types, ...options }) : [];
  };
  return [
    ...warningsOf(filters, { base: 'filters' }),
    ...warningsOf(conditions, { base: 'conditions' }),
    ...(routes ?? []).flatMap(({ when }, i) => warningsOf(when, { base: `routes[${i}].when`, some: true })),
  ];
}
