import { catalog, isReservedType, nearestNames, subscriptionMatches } from '@broxi/events';
import { isPlainObject } from '../domain/field-reader.ts';
import type { RouteConfig } from '../domain/routes.ts';
import type { Webhook } from '../domain/webhook.ts';
import { unwrapWebhookConfig } from '../domain/webhook-config.ts';
import { type FieldError, InvalidFieldsError } from '../errors.ts';
import type { WorkspaceView } from '../publish/workspace-cache.ts';
import { isMask } from './mask.ts';
import { READ_ONLY_FIELDS } from './present-webhook.ts';

/**
 * Takes out of a change what a read put in, so that what was read can be sent back: read-only fields go, and a mask stands
 * for the value that is stored. A mask with nothing behind it stays, and is refused like any other text that no header or
 * secret can be.
 */
export function resolveReadBack(input: unknown, current: Webhook): unknown {
  const { fields, path } = unwrapWebhookConfig(input);
  const kept = Object.fromEntries(
    Object.entries(fields)
      .filter(([name, value]) => !isReadOnly(name) && !(name === 'secret' && isMask(value)))
      .map(([name, value]) => {
        if (name === 'headers') return [name, unmaskHeaders(value, current.config.headers)];
        return [name, name === 'routes' ? unmaskRoutes(value, current.config.routes ?? []) : value];
      }),
  );
  return path === '' ? kept : { [path]: kept };
}

function isReadOnly(name: string): boolean {
  return READ_ONLY_FIELDS.some((field) => field === name);
}

/** A mask stands for a value of the route with the same URL: what was kept for one host is never sent to another one. */
function unmaskRoutes(routes: unknown, stored: readonly RouteConfig[]): unknown {
  if (!Array.isArray(routes)) return routes;
  return routes.map((route: unknown) => {
    if (!isPlainObject(route) || route.headers === undefined) return route;
    const sameUrl = stored.filter(({ url }) => url === route.url);
    const known = sameUrl.find(({ id }) => id === route.id) ?? sameUrl[0];
    return known === undefined ? route : { ...route, headers: unmaskHeaders(route.headers, known.headers) };
  });
}

function unmaskHeaders(headers: unknown, stored: Readonly<Record<string, string>>): unknown {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return headers;
  const values = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      isMask(value) ? (values.get(name.toLowerCase()) ?? value) : value,
    ]),
  );
}

/**
 * Refuses subscriptions to what nobody can send, which a typo would otherwise make silent. Names that the webhook has
 * already are left alone: a change of something else must not fail because a custom type was deleted.
 * @throws InvalidFieldsError with the nearest names
 */
export function assertTypesExist(
  events: readonly string[],
  { view, before = [], input }: { view: WorkspaceView; before?: readonly string[]; input: unknown },
): void {
  const known = [...Object.keys(catalog), ...view.eventTypes.keys()];
  const { path } = unwrapWebhookConfig(input);
  const errors: FieldError[] = [];
  for (const [position, pattern] of events.entries()) {
    if (before.includes(pattern) || known.some((type) => subscriptionMatches(pattern, type))) continue;
    errors.push({ path: `${path === '' ? '' : `${path}.`}events[${position}]`, message: unknownType(pattern, known) });
  }
  if (errors.length > 0) throw new InvalidFieldsError(errors);
}

/** @throws InvalidFieldsError at `event`, with the nearest names */
export function assertTypeExists(event: string, view: WorkspaceView): void {
  const known = [...Object.keys(catalog), ...view.eventTypes.keys()];
  if (!known.includes(event)) throw new InvalidFieldsError([{ path: 'event', message: unknownType(event, known) }]);
}

function unknownType(pattern: string, known: readonly string[]): string {
  const families = known
    .filter((type) => !isReservedType(type))
    .flatMap((type) =>
      type
        .split('.')
        .slice(0, -1)
        .map(
          (_, depth) =>
            `${type
              .split('.')
              .slice(0, depth + 1)
              .join('.')}.*`,
        ),
    );
  const isFamily = pattern.endsWith('.*');
  const near = nearestNames(pattern, isFamily ? families : known);
  const what = isFamily ? 'a family of event types' : 'an event type';
  const hint = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : '; see GET /v1/event-types';
  return `"${pattern}" is not ${what} of this workspace${hint}`;
}
