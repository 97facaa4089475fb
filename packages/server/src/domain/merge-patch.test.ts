import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidFieldsError } from '../errors.ts';
import { applyMergePatch, mergePatch } from './merge-patch.ts';
import { createAddressPolicy } from './public-address.ts';
import { parseWebhookConfig } from './webhook-config.ts';

const rules = { allowHttp: false, addressPolicy: createAddressPolicy({ allowNetworks: [] }), headerPrefix: 'X-Broxi-' };
const { config: current } = parseWebhookConfig(
  {
    url: 'https://example.com/hook',
    events: ['workflow.completed'],
    name: 'CRM',
    timeout: 10,
    headers: { 'X-A': 'a', 'X-B': 'b' },
    retry_policy: { max_retries: 9, retry_delay: 2 },
  },
  rules,
);
const apply = (patch: unknown) => applyMergePatch({ current, patch, rules });

function paths(patch: unknown): string[] {
  try {
    apply(patch);
  } catch (error) {
    if (error instanceof InvalidFieldsError) return error.fields.map(({ path }) => path);
    throw error;
  }
  return [];
}

test('changes what it names and nothing else', () => {
  const before = structuredClone(current);
  assert.deepEqual(apply({}), { config: current, warnings: [] });
  assert.deepEqual(apply({ timeout: '20s' }).config, { ...current, timeout: 20 });
  assert.deepEqual(apply({ webhook_config: { retry_policy: { jitter: 0 } } }).config, {
    ...current,
    retry_policy: { ...current.retry_policy, jitter: 0 },
  });
  assert.deepEqual(apply({ events: ['*'] }).config.events, ['*']);
  assert.equal(
    apply({ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }).secret,
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  );
  assert.deepEqual(current, before);
});

test('null takes a header out, and sets a field to its default', () => {
  assert.deepEqual(apply({ headers: { 'X-A': null, 'X-C': 'c' } }).config.headers, { 'X-B': 'b', 'X-C': 'c' });
  const reset = apply({
    name: null,
    timeout: null,
    headers: null,
    retry_policy: { max_retries: null },
    filters: null,
  }).config;
  assert.deepEqual([reset.name, reset.timeout, reset.headers], [null, 30, {}]);
  assert.deepEqual([reset.retry_policy.max_retries, reset.retry_policy.retry_delay], [3, 2]);
  assert.equal(apply({ retry_policy: null }).config.retry_policy.retry_delay, 5);
});

test('takes the other name of retry_delay', () => {
  assert.equal(apply({ retry_policy: { initial_delay: '3s' } }).config.retry_policy.retry_delay, 3);
  assert.equal(apply({ retry_policy: { initial_delay: null } }).config.retry_policy.retry_delay, 5);
  assert.deepEqual(paths({ retry_policy: { initial_delay: 3, retry_delay: 3 } }), ['retry_policy.initial_delay']);
});

test('batching is switched on, changed and switched off', () => {
  const on = apply({ batch: { size: 50, timeout: 5 } }).config;
  const patched = (batch: unknown) => applyMergePatch({ current: on, patch: { batch }, rules }).config.batch;
  assert.deepEqual(
    [on.batch, patched({ size: 20 })],
    [
      { size: 50, timeout: 5 },
      { size: 20, timeout: 5 },
    ],
  );
  assert.equal(patched(null), null);
});

test('statuses can be taken out of the default list again and again', () => {
  const first = apply({ retry_policy: { non_retry_conditions: { status_codes: [503] } } }).config;
  const second = applyMergePatch({
    current: first,
    patch: { retry_policy: { non_retry_conditions: { status_codes: [503, 504] } } },
    rules,
  });
  assert.deepEqual(second.config.retry_policy.non_retry_conditions.status_codes, [503, 504]);
});

test('refuses what merging would hide', () => {
  for (const name of ['url', 'events', 'secret', 'tiemout']) assert.deepEqual(paths({ [name]: null }), [name]);
  assert.deepEqual(paths({ webhook_config: { url: null } }), ['webhook_config.url']);
  assert.deepEqual(paths({ retry_policy: { max_retrys: null } }), ['retry_policy.max_retrys']);
  assert.deepEqual(paths({ tls: {} }), ['tls']);
  for (const patch of [null, [], 'x', 1]) assert.deepEqual(paths(patch), ['']);
});

test('merges as RFC 7396 shows in its appendix A', () => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, merged] of cases) assert.deepEqual(mergePatch(target, patch), merged);
  const hostile = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object;
  assert.deepEqual(Object.keys(hostile), ['__proto__']);
  assert.equal(Object.getPrototypeOf(hostile), Object.prototype);
});

test('in a filter null takes a test out, and is never lost where it was meant as a value', () => {
  const { config } = apply({ filters: { user_id: [null], cost: { greater_than: 1, less_than: 5 } } });
  const patch = (filters: unknown) => applyMergePatch({ current: config, patch: { filters }, rules });
  assert.deepEqual(patch({ user_id: null }).config.filters, { cost: { greater_than: 1, less_than: 5 } });
  assert.deepEqual(patch({ cost: { less_than: null } }).config.filters, { user_id: [null], cost: { greater_than: 1 } });
  assert.deepEqual(patch(config.filters).config.filters, config.filters);
  assert.equal(patch(null).config.filters, null);
  assert.deepEqual(paths({ filters: { user_id: null } }), ['filters.user_id']);
  assert.deepEqual(paths({ conditions: { cost: { not_equals: null, exists: true } } }), ['conditions.cost.not_equals']);
  assert.deepEqual(paths({ webhook_config: { filters: { not: { a: null } } } }), ['webhook_config.filters.not.a']);
});
