import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destinationUrls, targetOf } from './target.ts';

const own = { url: 'https://own.example/', headers: { Authorization: 'own' } };
const routes = [
  { id: 5, when: { a: 1 }, url: 'https://a.example/', headers: { 'X-Key': 'a' } },
  { id: 9, when: { b: 1 }, url: 'https://b.example/', headers: {} },
];

test("a route's headers replace the webhook's own", () => {
  assert.deepEqual(targetOf({ ...own, routes }, null), { ...own, route: null });
  assert.deepEqual(targetOf({ ...own, routes }, 5), { url: 'https://a.example/', headers: { 'X-Key': 'a' }, route: 5 });
  assert.deepEqual(targetOf({ ...own, routes }, 9), { url: 'https://b.example/', headers: {}, route: 9 });
});

test('what waits for a route that is gone goes to the own URL', () => {
  assert.deepEqual(targetOf({ ...own, routes }, 6), { ...own, route: null });
  assert.deepEqual(targetOf({ ...own, routes: null }, 5), { ...own, route: null });
});

test('names each destination once, the own URL first', () => {
  const twice = [...routes, { id: 1, when: { c: 1 }, url: 'https://a.example/', headers: {} }];
  assert.deepEqual(destinationUrls({ ...own, routes: twice }), [
    'https://own.example/',
    'https://a.example/',
    'https://b.example/',
  ]);
  assert.deepEqual(destinationUrls({ ...own, routes: null }), ['https://own.example/']);
});
