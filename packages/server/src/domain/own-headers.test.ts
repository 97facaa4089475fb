import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkOwnHeaders } from './own-headers.ts';

const paths = (headers: unknown, prefix = 'X-Broxi-') => checkOwnHeaders(headers, prefix).map(({ path }) => path);

test('takes ordinary headers', () => {
  assert.deepEqual(paths({}), []);
  assert.deepEqual(
    paths({ 'X-Custom-Header': 'custom-value', Authorization: 'Bearer x', 'X-Broxi': '', Cookie: 'a\tb', 'X-É': 'é' }),
    ['headers.X-É'],
  );
  assert.deepEqual(paths({ 'X-Latin': '\xa0é\xff', 'x.y': 'z' }), []);
});

const RESERVED = [
  'Content-Type Content-Length content-anything User-Agent webhook-id Webhook-Timestamp WEBHOOK-SIGNATURE traceparent Host',
  'Transfer-Encoding Connection Keep-Alive TE Trailer Upgrade Expect Forwarded X-Forwarded-For X-Forwarded-Anything',
  'Proxy-Authorization Proxy-Connection X-Broxi-Signature x-broxi-new X-Broxi-',
].flatMap((line) => line.split(' '));

test('refuses reserved names, in any case and with _ for -', () => {
  for (const name of RESERVED) {
    for (const spelling of [name, name.toUpperCase(), name.toLowerCase(), name.replaceAll('-', '_')]) {
      assert.deepEqual(paths({ [spelling]: 'v' }), [`headers.${spelling}`], spelling);
    }
  }
});

test('reserves the prefix of the deployment, and only that', () => {
  assert.deepEqual(paths({ x_acme_thing: 'v', 'X-Broxi-Event': 'v' }, 'X-Acme-'), ['headers.x_acme_thing']);
});

test('refuses names that differ only by case or _', () => {
  assert.deepEqual(paths({ 'X-A': '1', 'x-a': '2' }), ['headers.x-a']);
  assert.deepEqual(paths({ 'X-A': '1', X_A: '2' }), ['headers.X_A']);
});

test('refuses what is no token or no header value', () => {
  for (const name of ['', 'a b', 'a:', 'a\r\nb', 'ä', '(a)', 'a\u0000'])
    assert.equal(paths({ [name]: 'v' }).length, 1, JSON.stringify(name));
  for (const value of [
    'a\r\nB: c',
    'a\nb',
    'a\rb',
    'a\u0000',
    '\u007f',
    '\u0085',
    '€',
    '😀',
    'Ā',
    1,
    null,
    ['a'],
    {},
  ]) {
    assert.deepEqual(paths({ 'X-A': value }), ['headers.X-A'], JSON.stringify(value));
  }
  for (const headers of [null, [], 'x', 1, undefined]) assert.deepEqual(paths(headers), ['headers']);
});

test('keeps to its bounds', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-${i}`, 'v']));
  assert.deepEqual(paths(many(32)), []);
  assert.deepEqual(paths(many(33)), ['headers']);
  assert.deepEqual(paths({ ['x'.repeat(128)]: 'v' }), []);
  assert.equal(paths({ ['x'.repeat(129)]: 'v' }).length, 1);
  assert.deepEqual(paths({ x: 'v'.repeat(4096) }), []);
  assert.deepEqual(paths({ x: 'v'.repeat(4097) }), ['headers.x']);
});

test('what is taken can be put into a Headers object unchanged', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
      if (checkOwnHeaders({ [name]: value }, 'X-Broxi-').length > 0) return;
      assert.equal(new Headers([[name, value]]).get(name), value.replace(/^[\t ]+|[\t ]+$/g, ''));
    }),
    { numRuns: 2000 },
  );
});
