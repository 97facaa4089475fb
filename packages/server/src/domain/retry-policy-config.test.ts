import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { RETRY_POLICY_FIELDS, type RetryPolicyConfig, readRetryPolicyConfig } from './retry-policy-config.ts';

function read(given: Record<string, unknown>): { config: RetryPolicyConfig; paths: string[]; warnings: string[] } {
  const problems: FieldError[] = [];
  const warnings: string[] = [];
  const config = readRetryPolicyConfig(new FieldReader(given, '', problems), warnings);
  return { config, paths: problems.map(({ path }) => path), warnings };
}

test('every bound holds: what lies on it is taken, what lies beyond is refused by name', () => {
  const bounds: [string, number, number, number][] = [
    ['max_retries', 0, 50, 1],
    ['retry_delay', 0.1, 86_400, 0.01],
    ['initial_delay', 0.1, 86_400, 0.01],
    ['max_delay', 0.1, 604_800, 0.01],
    ['jitter', 0, 1, 0.01],
  ];
  for (const [name, min, max, step] of bounds) {
    for (const value of [min, max]) assert.deepEqual(read({ [name]: value }).paths, [], `${name} ${value}`);
    for (const value of [min - step, max + step, '', true, []]) {
      assert.deepEqual(read({ [name]: value }).paths, [name], `${name} ${value}`);
    }
  }
  assert.deepEqual(read({ max_retries: 1.5 }).paths, ['max_retries']);
  assert.deepEqual(read({ exponential_backoff: 'no' }).paths, ['exponential_backoff']);
});

test('initial_delay is another name of retry_delay; not both', () => {
  assert.equal(read({ initial_delay: '2m' }).config.retry_delay, 120);
  assert.deepEqual(read({ initial_delay: 2, retry_delay: 2 }).paths, ['initial_delay']);
});

test('a schedule is 1 to 50 delays of up to 7 days, or extended', () => {
  assert.deepEqual(read({ schedule: [0, '5s', '1h', 604_800] }).config.schedule, [0, 5, 3600, 604_800]);
  assert.equal(read({ schedule: 'extended' }).config.schedule, 'extended');
  for (const schedule of [[], new Array(51).fill(1), [604_801], [-1], ['soon'], 'short', {}, 5]) {
    assert.deepEqual(read({ schedule }).paths, ['schedule'], JSON.stringify(schedule));
  }
});

test('what has no effect is said', () => {
  assert.match(read({ schedule: [1], max_retries: 9 }).warnings.join(), /schedule replaces/);
  assert.match(read({ retry_delay: 90 }).warnings.join(), /no delay is longer than max_delay/);
  assert.match(read({ retry_conditions: { status_codes: ['400-499'] } }).warnings.join(), /names 410/);
  assert.deepEqual(read({ schedule: [1] }).warnings, []);
  assert.deepEqual(read({}).warnings, []);
});

test('conditions may be an object, or its fields spread over a list, each once', () => {
  const conditions = { status_codes: [500], network_errors: false, timeouts: false };
  const spread = Object.entries(conditions).map(([name, value]) => ({ [name]: value }));
  assert.deepEqual(read({ retry_conditions: conditions }).config.retry_conditions, conditions);
  assert.deepEqual(read({ retry_conditions: spread }).config.retry_conditions, conditions);
  assert.deepEqual(read({ retry_conditions: [...spread, { timeouts: true }] }).paths, ['retry_conditions']);
  assert.deepEqual(read({ retry_conditions: ['timeouts'] }).paths, ['retry_conditions']);
  assert.deepEqual(read({ non_retry_conditions: { timeouts: true } }).paths, ['non_retry_conditions.timeouts']);
});

test('a status in both lists is refused, unless the retried one is the default list', () => {
  const both = { retry_conditions: { status_codes: [500, 503] }, non_retry_conditions: { status_codes: ['503-504'] } };
  assert.deepEqual(read(both).paths, ['non_retry_conditions.status_codes']);
  assert.deepEqual(read({ non_retry_conditions: { status_codes: [503] } }).paths, []);
  const shown = { retry_conditions: { status_codes: [408, 425, 429, '500-599'] } };
  assert.deepEqual(read({ ...shown, non_retry_conditions: { status_codes: [503] } }).paths, []);
});

test('whatever comes in, what is read keeps to the bounds, and can be read again', () => {
  const given = fc.dictionary(fc.constantFrom(...RETRY_POLICY_FIELDS), fc.jsonValue());
  fc.assert(
    fc.property(given, (fields) => {
      const { config } = read(fields);
      assert.ok(config.max_retries >= 0 && config.max_retries <= 50 && Number.isInteger(config.max_retries));
      assert.ok(config.retry_delay >= 0.1 && config.retry_delay <= 86_400);
      assert.ok(config.max_delay >= 0.1 && config.max_delay <= 604_800);
      assert.ok(config.jitter >= 0 && config.jitter <= 1);
      assert.deepEqual(read({ ...config }).config, config);
    }),
  );
});
