import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FieldReader } from './field-reader.ts';
import { delayBeforeRetryMs, deriveRetryPolicy, isRetryableStatus } from './retry-policy.ts';
import { type RetryPolicyConfig, readRetryPolicyConfig } from './retry-policy-config.ts';

const defaults = readRetryPolicyConfig(new FieldReader({}, '', []), []);
const policyOf = (changes: Partial<RetryPolicyConfig> = {}) => deriveRetryPolicy({ ...defaults, ...changes });
const delays = (policy: ReturnType<typeof policyOf>, count: number, random = 0.5) =>
  Array.from({ length: count }, (_, i) => delayBeforeRetryMs(policy, i + 1, random));

test('by default: 4 attempts, 5 s doubling to 60 s, a tenth of jitter', () => {
  assert.equal(policyOf().attemptsAllowed, 4);
  assert.deepEqual(delays(policyOf(), 6), [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  assert.equal(delayBeforeRetryMs(policyOf(), 1, 0), 4500);
  assert.equal(delayBeforeRetryMs(policyOf(), 1, 0.999999999), 5500);
});

test('does not double without exponential_backoff, and is capped all the same', () => {
  assert.deepEqual(delays(policyOf({ exponential_backoff: false }), 3), [5000, 5000, 5000]);
  assert.deepEqual(delays(policyOf({ exponential_backoff: false, retry_delay: 90 }), 2), [60_000, 60_000]);
});

test('a schedule replaces retries and delays; its last delay holds behind its end', () => {
  const policy = policyOf({ schedule: [1, 0.5, 30], max_retries: 50, retry_delay: 9, max_delay: 2 });
  assert.equal(policy.attemptsAllowed, 4);
  assert.deepEqual(delays(policy, 5), [1000, 500, 30_000, 30_000, 30_000]);
  const extended = policyOf({ schedule: 'extended' });
  assert.equal(extended.attemptsAllowed, 8);
  assert.deepEqual(delays(extended, 7), [5e3, 3e5, 18e5, 72e5, 18e6, 36e6, 36e6]);
});

test('no retries means one attempt', () => {
  assert.equal(policyOf({ max_retries: 0 }).attemptsAllowed, 1);
});

test('any delay is a whole number of ms within the bounds of the formula', () => {
  const config = fc.record({
    retry_delay: fc.double({ min: 0.1, max: 86_400, noNaN: true }),
    max_delay: fc.double({ min: 0.1, max: 604_800, noNaN: true }),
    exponential_backoff: fc.boolean(),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(config, fc.integer({ min: 1, max: 2000 }), random, (changes, n, chance) => {
      const delayMs = delayBeforeRetryMs(policyOf(changes), n, chance);
      const { retry_delay, max_delay, exponential_backoff, jitter } = changes;
      let plain = retry_delay;
      for (let i = 1; i < n && exponential_backoff && plain < max_delay; i++) plain += plain;
      plain = Math.min(plain, max_delay);
      assert.ok(Number.isSafeInteger(delayMs) && delayMs >= 0);
      assert.ok(delayMs >= plain * 1000 * (1 - jitter) - 0.51 && delayMs <= plain * 1000 * (1 + jitter) + 0.51);
      assert.ok(delayMs <= max_delay * 1000 * (1 + jitter) + 0.51);
    }),
    { numRuns: 2000 },
  );
});

test('never gets shorter from one retry to the next without jitter', () => {
  const policy = policyOf({ jitter: 0, max_delay: 604_800 });
  const all = delays(policy, 50, 0.9);
  assert.deepEqual(
    all,
    all.toSorted((a, b) => a - b),
  );
  assert.equal(all.at(-1), 604_800_000);
});

test('by default retries on 408, 425, 429 and 5xx, and on nothing else', () => {
  const policy = policyOf();
  for (let status = 300; status < 700; status++) {
    const expected = status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599);
    assert.equal(isRetryableStatus(policy, status), expected, String(status));
  }
  assert.ok(policy.retryNetworkErrors && policy.retryTimeouts && policy.retryMalformedResponses);
});

test('follows both lists', () => {
  const policy = policyOf({
    retry_conditions: { status_codes: [404, '500-502'], network_errors: false, timeouts: false },
    non_retry_conditions: { status_codes: [501], malformed_response: true },
  });
  const retried = Array.from({ length: 300 }, (_, i) => i + 300).filter((status) => isRetryableStatus(policy, status));
  assert.deepEqual(retried, [404, 500, 502]);
  assert.ok(!policy.retryNetworkErrors && !policy.retryTimeouts && !policy.retryMalformedResponses);
});
