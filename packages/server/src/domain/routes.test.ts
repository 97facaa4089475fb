import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { createAddressPolicy } from './public-address.ts';
import { keepRouteIds, MAX_ROUTES, type RouteConfig, readRoutes } from './routes.ts';

const rules = { allowHttp: false, addressPolicy: createAddressPolicy({ allowNetworks: [] }), headerPrefix: 'X-Broxi-' };
const route = { when: { a: 1 }, url: 'https://a.example/hook' };

function read(routes: unknown): { routes: readonly RouteConfig[] | null; problems: Record<string, string> } {
  const problems: FieldError[] = [];
  const found = readRoutes(new FieldReader({ routes }, '', problems), { rules, problems });
  return { routes: found, problems: Object.fromEntries(problems.map(({ path, message }) => [path, message])) };
}

function routesOf(...routes: object[]): readonly RouteConfig[] {
  const { routes: found, problems } = read(routes);
  assert.deepEqual(problems, {});
  return found ?? [];
}

test('reads routes, and what it shows can be sent back', () => {
  const found = routesOf(route, { ...route, when: { b: 1 }, url: 'HTTPS://B.example', headers: { 'X-Key': 'k' } });
  assert.deepEqual(
    found.map(({ id: _, ...rest }) => rest),
    [
      { ...route, headers: {} },
      { when: { b: 1 }, url: 'https://b.example/', headers: { 'X-Key': 'k' } },
    ],
  );
  assert.deepEqual(routesOf(...found), found);
  for (const none of [undefined, null, []]) assert.deepEqual(read(none), { routes: null, problems: {} });
});

const REFUSED: readonly [what: string, routes: unknown, path: string, message: RegExp][] = [
  ['an object', {}, 'routes', /list of at most 20/],
  ['a text in the list', ['x'], 'routes', /list of at most 20/],
  ['too many', Array.from({ length: MAX_ROUTES + 1 }, (_, i) => ({ ...route, when: { a: i } })), 'routes', /20/],
  ['an unknown field', [{ ...route, whem: {} }], 'routes[0].whem', /did you mean when\?/],
  ['no condition', [{ url: route.url }], 'routes[0].when', /is required/],
  ['an empty condition', [{ ...route, when: {} }], 'routes[0].when', /at least one field/],
  ['a faulty condition', [route, { ...route, when: { b: { x: 1 } } }], 'routes[1].when.b.x', /not an operator/],
  ['a condition that was there', [route, { ...route, url: 'https://b.example/' }], 'routes[1].when', /routes\[0\]/],
  ['no URL', [{ when: { a: 1 } }], 'routes[0].url', /is required/],
  ['a number for a URL', [{ ...route, url: 1 }], 'routes[0].url', /a text/],
  ['http', [{ ...route, url: 'http://a.example/' }], 'routes[0].url', /https/],
  ['a private address', [{ ...route, url: 'https://10.0.0.1/' }], 'routes[0].url', /public/],
  ['a user name', [{ ...route, url: 'https://u:p@a.example/' }], 'routes[0].url', /user name/],
  ['a reserved header', [{ ...route, headers: { Host: 'x' } }], 'routes[0].headers.Host', /set by the sender/],
  ['a line break', [{ ...route, headers: { 'X-A': 'a\nb' } }], 'routes[0].headers.X-A', /line breaks/],
  [
    'an id twice',
    [
      { ...route, id: 1 },
      { ...route, id: 1, when: { b: 1 } },
    ],
    'routes[1].id',
    /another/,
  ],
  ['an id that is none', [{ ...route, id: -1 }], 'routes[0].id', /integer/],
];

for (const [what, routes, path, message] of REFUSED) {
  test(`refuses ${what}`, () => {
    const { problems } = read(routes);
    assert.match(problems[path] ?? JSON.stringify(problems), message);
  });
}

test('a route keeps its id while its URL or its condition is edited, wherever it stands', () => {
  const [a, b] = routesOf(route, { when: { b: 1 }, url: 'https://b.example/' });
  assert.ok(a && b);
  const ids = (...edited: object[]) => keepRouteIds(routesOf(...edited), [a, b])?.map(({ id }) => id);
  const [newUrl, newWhen] = ['https://new.example/', { new: 1 }];
  const strip = ({ when, url }: RouteConfig) => ({ when, url });
  assert.deepEqual(ids(strip(b), strip(a)), [b.id, a.id]);
  assert.deepEqual(ids({ ...strip(b), url: newUrl }, { ...strip(a), when: newWhen }), [b.id, a.id]);
  assert.deepEqual(ids({ when: newWhen, url: newUrl, id: b.id }), [b.id]);
  const [fresh, ...kept] = ids({ when: newWhen, url: newUrl }, strip(a), strip(b)) ?? [];
  assert.deepEqual(kept, [a.id, b.id]);
  assert.ok(fresh !== a.id && fresh !== b.id);
});

test('an id is given to one route only', () => {
  const [a] = routesOf(route);
  assert.ok(a);
  const both = routesOf({ ...route, when: { x: 1 } }, { ...route, when: { y: 1 } });
  const ids = keepRouteIds(both, [a])?.map(({ id }) => id) ?? [];
  assert.equal(ids[0], a.id);
  assert.equal(new Set(ids).size, 2);
  assert.deepEqual(keepRouteIds(null, [a]), null);
  assert.deepEqual(keepRouteIds(both, null), both);
});

test('a new route that is what an edited one once was does not take its id', () => {
  const [a] = routesOf(route);
  assert.ok(a);
  const [edited] = keepRouteIds(routesOf({ ...route, url: 'https://new.example/' }), [a]) ?? [];
  assert.ok(edited);
  const { id: _, ...withoutId } = edited;
  for (const first of [edited, withoutId]) {
    const sent = routesOf({ ...first, when: { z: 1 } }, route);
    const kept: readonly RouteConfig[] = keepRouteIds(sent, [edited]) ?? [];
    assert.equal(kept[0]?.id, a.id);
    assert.notEqual(kept[1]?.id, a.id);
    assert.equal(kept[1]?.url, route.url);
  }
});
