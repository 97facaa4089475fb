import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destinationUrls, directionOf, fallbackUse, targetOf } from './target.ts';

const own = { url: 'https://own.example/', headers: { Authorization: 'own' } };
const toOwn = { ...own, route: null, isFallback: false };
const routes = [
  { id: 5, when: { a: 1 }, url: 'https://a.example/', headers: { 'X-Key': 'a' } },
  { id: 9, when: { b: 1 }, url: 'https://b.example/', headers: {} },
];

const FALLBACK = 'https://fallback.example/';
const plain = { ...own, routes: null, fallback_url: null };
const routed = { ...plain, routes };
const to = (route: number | null, atFallback = false) => ({ route, atFallback });

test("a route's headers replace the webhook's own", () => {
  assert.deepEqual(targetOf(routed, to(null)), toOwn);
  const isFallback = false;
  const toA = { url: 'https://a.example/', headers: { 'X-Key': 'a' }, route: 5, isFallback };
  assert.deepEqual(targetOf(routed, to(5)), toA);
  assert.deepEqual(targetOf(routed, to(9)), { url: 'https://b.example/', headers: {}, route: 9, isFallback });
});

test("what waits for a route that was taken out goes to the webhook's own URL", () => {
  assert.deepEqual(targetOf(routed, to(6)), toOwn);
  assert.deepEqual(targetOf(plain, to(5)), toOwn);
});

test('no own headers go to a fallback; what waits for one that was taken out goes where it went before', () => {
  const withFallback = { ...routed, fallback_url: FALLBACK };
  const there = { url: FALLBACK, headers: {}, route: null, isFallback: true };
  for (const route of [null, 5, 6]) assert.deepEqual(targetOf(withFallback, to(route, true)), there);
  assert.deepEqual(targetOf(withFallback, to(null)), toOwn);
  assert.deepEqual(targetOf(routed, to(null, true)), toOwn);
  assert.equal(targetOf(routed, to(5, true)).url, 'https://a.example/');
});

test('an attempt tells its direction, also where the fallback is the URL of a route', () => {
  const shared = { ...routed, fallback_url: 'https://a.example/' };
  for (const direction of [to(null), to(5), to(9), to(null, true)]) {
    assert.deepEqual(directionOf(targetOf(shared, direction), shared), direction);
    assert.deepEqual(directionOf(targetOf(routed, direction), routed), to(direction.route));
  }
});

test('a delivery goes to the fallback once, and not to where it comes from', () => {
  const config = { ...routed, fallback_url: 'https://a.example/' };
  const use = (
    direction: ReturnType<typeof to>,
    { fallback_url }: Pick<typeof plain, 'fallback_url'> | typeof config,
  ) => fallbackUse({ fallback_url }, targetOf({ ...routed, fallback_url }, direction), direction);
  assert.deepEqual([use(to(null), config), use(to(9), config)], ['ahead', 'ahead']);
  assert.equal(use(to(null, true), config), 'here');
  assert.equal(use(to(5), config), 'none', 'it is the URL of that route');
  assert.deepEqual([use(to(null), plain), use(to(null, true), plain)], ['none', 'none'], 'it was taken out');
});

test('every URL once, the own one first and the fallback last', () => {
  const twice = [...routes, { id: 7, when: { c: 1 }, url: 'https://a.example/', headers: {} }];
  const urls = ['https://own.example/', 'https://a.example/', 'https://b.example/'];
  assert.deepEqual(destinationUrls({ ...own, routes: twice, fallback_url: null }), urls);
  assert.deepEqual(destinationUrls({ ...own, routes, fallback_url: FALLBACK }), [...urls, FALLBACK]);
  assert.deepEqual(destinationUrls({ ...own, routes, fallback_url: 'https://b.example/' }), urls);
  assert.deepEqual(destinationUrls(plain), ['https://own.example/']);
});
