import type { FieldError } from '../errors.ts';
import { fieldPath } from './field-path.ts';
import { FieldReader, isPlainObject } from './field-reader.ts';
import type { FilterConfig } from './filter/filter.ts';
import { readFilter } from './filter/read-filter.ts';
import { checkOwnHeaders } from './own-headers.ts';
import { readWebhookUrl, type UrlRules } from './webhook-url.ts';

export const MAX_ROUTES = 20;
const MAX_ID = 2 ** 32 - 1;
export const ROUTE_FIELDS: readonly string[] = ['id', 'when', 'url', 'headers'];

/** Where events go instead of the webhook's own URL. */
export interface RouteConfig {
  /** Stays the same while the route is edited, so that what waits for it finds it. A new route is given one. */
  id: number;
  /** A filter. */
  when: FilterConfig;
  /** Obeys every rule of the webhook's own. */
  url: string;
  /** Replace the webhook's own, so that no credential goes to another host by accident. Default empty. */
  headers: Readonly<Record<string, string>>;
}

interface RouteRules {
  rules: UrlRules & { headerPrefix: string };
  problems: FieldError[];
}

/** Reads `routes`: a list of at most 20 of `{when, url, headers?, id?}`, of which the first that holds decides. None is null. */
export function readRoutes(fields: FieldReader, { rules, problems }: RouteRules): readonly RouteConfig[] | null {
  const value = fields.value('routes') ?? [];
  if (!Array.isArray(value) || value.length > MAX_ROUTES || !value.every(isPlainObject)) {
    fields.report('routes', `must be a list of at most ${MAX_ROUTES} objects {when, url, headers?}`);
    return null;
  }
  const given: GivenRoute[] = [];
  for (const [i, one] of value.entries()) {
    const reader = new FieldReader(one, fieldPath(fields.path('routes'), i), problems);
    const route = readRoute(reader, { rules, problems });
    const twin = given.findIndex(({ when }) => sameJson(when, route.when));
    if (twin >= 0) reader.report('when', `is the same as that of routes[${twin}], so it would never be reached`);
    if (route.id !== null && given.some(({ id }) => id === route.id)) reader.report('id', 'must be another for each');
    given.push(route);
  }
  return given.length === 0 ? null : withIds(given);
}

type GivenRoute = Omit<RouteConfig, 'id'> & { id: number | null };

function readRoute(fields: FieldReader, { rules, problems }: RouteRules): GivenRoute {
  fields.refuseUnknown(ROUTE_FIELDS);
  const when = readFilter(fields, 'when', problems) ?? {};
  if (fields.value('when') === undefined) fields.report('when', 'is required: which events go this way');
  else if (sameJson(fields.value('when'), {})) {
    fields.report('when', 'must name at least one field: what no route takes goes to the url of the webhook');
  }
  if (fields.value('url') === undefined) fields.report('url', 'is required: where these events go');
  const url = readWebhookUrl(fields, 'url', rules) ?? '';
  const headers = fields.value('headers') ?? {};
  const errors = checkOwnHeaders(headers, rules.headerPrefix, fields.path('headers'));
  problems.push(...errors);
  const id = fields.number('id', { fallback: -1, min: 0, max: MAX_ID, integer: true });
  return { id: id < 0 ? null : id, when, url, headers: errors.length === 0 ? (headers as RouteConfig['headers']) : {} };
}

/**
 * Gives routes that were sent without their ids the ones that they had. What is the same as before is looked for first, then
 * what goes to the same URL, then what takes the same events; what is none of it is new.
 */
export function keepRouteIds(
  routes: readonly RouteConfig[] | null,
  before: readonly RouteConfig[] | null,
): readonly RouteConfig[] | null {
  if (routes === null || before === null) return routes;
  const free = new Set(before);
  const kept: GivenRoute[] = routes.map((route) => ({ ...route, id: null }));
  const isSame: ((known: RouteConfig, route: RouteConfig) => boolean)[] = [
    (known, route) => known.id === route.id && route.id !== idOf(route),
    (known, route) => known.url === route.url && sameJson(known.when, route.when),
    (known, route) => known.url === route.url,
    (known, route) => sameJson(known.when, route.when),
  ];
  for (const same of isSame) {
    for (const [i, route] of routes.entries()) {
      const known = kept[i]?.id === null ? [...free].find((one) => same(one, route)) : undefined;
      if (known === undefined) continue;
      free.delete(known);
      kept[i] = { ...route, id: known.id };
    }
  }
  return withIds(kept);
}

function withIds(routes: readonly GivenRoute[]): RouteConfig[] {
  const used = new Set(routes.map(({ id }) => id));
  return routes.map((route) => {
    if (route.id !== null) return { ...route, id: route.id };
    let id = idOf(route);
    while (used.has(id)) id = (id + 1) % MAX_ID;
    used.add(id);
    return { ...route, id };
  });
}

/** A number that other routes of a webhook are most unlikely to have: FNV-1a over what the route is when it is first saved. */
function idOf({ when, url }: Pick<RouteConfig, 'when' | 'url'>): number {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify([when, url])) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash;
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
