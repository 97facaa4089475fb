import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AttemptOutcome } from './attempt.ts';
import { decideNext, type FallbackUse } from './delivery.ts';
import { FieldReader } from './field-reader.ts';
import { delayBeforeRetryMs, deriveRetryPolicy } from './retry-policy.ts';
import { readRetryPolicyConfig } from './retry-policy-config.ts';

const NOW = 1_000_000;
const policyOf = (given: Record<string, unknown> = {}) =>
  deriveRetryPolicy(readRetryPolicyConfig(new FieldReader(given, '', []), []));
const retryable = (retryAfterMs: number | null = null): AttemptOutcome => {
  return { kind: 'retryable', reason: 'answered 503', retryAfterMs };
};
const CALM = { fallback: 'none', excusedUntil: null, now: NOW, random: 0.5 } as const;
const decide = (outcome: AttemptOutcome, attemptsInSeries: number, given: Record<string, unknown> = {}) =>
  decideNext({ ...CALM, outcome, policy: policyOf(given), attemptsInSeries });

test('a delivery that was taken or refused for good is over, whatever is left of its attempts', () => {
  assert.deepEqual(decide({ kind: 'delivered' }, 1), { state: 'delivered' });
  assert.deepEqual(decide({ kind: 'delivered' }, 99), { state: 'delivered' });
  assert.deepEqual(decide({ kind: 'permanent', reason: 'answered 404' }, 1), {
    state: 'failed',
    reason: 'answered 404',
  });
});

test('a retryable one waits by the policy until its attempts are used up', () => {
  assert.deepEqual(
    [1, 2, 3].map((made) => decide(retryable(), made)),
    [5000, 10_000, 20_000].map((delayMs) => ({ state: 'pending', dueAt: NOW + delayMs })),
  );
  const failed = { state: 'failed', reason: 'answered 503; all 4 attempts used' };
  assert.deepEqual(decide(retryable(), 4), failed);
  assert.deepEqual(decide(retryable(1000), 4), failed, 'Retry-After gives no attempt more');
  assert.equal(decide(retryable(), 1, { max_retries: 0 }).state, 'failed');
  // The policy was changed while it was retried.
  assert.deepEqual(decide(retryable(), 9), { state: 'failed', reason: 'answered 503; all 9 attempts used' });
});

test('Retry-After moves a retry back, never forward', () => {
  assert.deepEqual(decide(retryable(60_000), 1), { state: 'pending', dueAt: NOW + 60_000 });
  assert.deepEqual(decide(retryable(1000), 1), { state: 'pending', dueAt: NOW + 5000 });
});

test('what charges nobody waits, whatever the policy says and however many attempts were made', () => {
  const held = { state: 'pending', dueAt: NOW + 1, uncharged: true };
  assert.deepEqual(decide({ kind: 'gone', reason: 'answered 410' }, 4), held);
  assert.deepEqual(decide({ kind: 'own_failure', reason: 'resolver: down' }, 99, { max_retries: 0 }), held);
  const excuse = (outcome: AttemptOutcome, excusedUntil: number) =>
    decideNext({ ...CALM, outcome, policy: policyOf(), attemptsInSeries: 4, excusedUntil });
  for (const outcome of [retryable(), { kind: 'permanent', reason: 'answered 501' } as const]) {
    assert.deepEqual(excuse(outcome, NOW + 5000), { state: 'pending', dueAt: NOW + 5000, uncharged: true });
    assert.deepEqual(excuse(outcome, 0), held, 'never in the past');
  }
  assert.deepEqual(excuse({ kind: 'delivered' }, NOW + 5000), { state: 'delivered' });
});

const decideAt = (fallback: FallbackUse, outcome: AttemptOutcome, attemptsInSeries: number, excusedUntil = null) =>
  decideNext({ ...CALM, fallback, outcome, policy: policyOf(), attemptsInSeries, excusedUntil });

test('what would be failed goes to the fallback at once, and what is not given up does not', () => {
  const diverted = { state: 'pending', dueAt: NOW + 1, atFallback: true };
  assert.deepEqual(decideAt('ahead', { kind: 'permanent', reason: 'answered 404' }, 1), diverted);
  assert.deepEqual(decideAt('ahead', retryable(), 4), diverted);
  assert.deepEqual(decideAt('ahead', retryable(60_000), 4), diverted, 'the wait is that of the other receiver');
  assert.deepEqual(decideAt('ahead', retryable(), 3), { state: 'pending', dueAt: NOW + 20_000 });
  assert.deepEqual(decideAt('ahead', { kind: 'delivered' }, 4), { state: 'delivered' });
  const held = { state: 'pending', dueAt: NOW + 1, uncharged: true };
  assert.deepEqual(decideAt('ahead', { kind: 'gone', reason: 'answered 410' }, 4), held);
  assert.deepEqual(decideAt('ahead', { kind: 'own_failure', reason: 'resolver: down' }, 4), held);
});

test('the fallback has a series of its own; then it is over, and the reason names both', () => {
  assert.deepEqual(decideAt('here', retryable(), 1), { state: 'pending', dueAt: NOW + 5_000 });
  assert.deepEqual(decideAt('here', retryable(), 4), {
    state: 'failed',
    reason: 'answered 503; all 4 attempts used at the fallback, as at its own URL before',
  });
  assert.deepEqual(decideAt('here', { kind: 'permanent', reason: 'answered 404' }, 1), {
    state: 'failed',
    reason: 'answered 404 at the fallback, as at its own URL before',
  });
});

test('for any policy: at least a moment later, by neither less than the schedule nor less than Retry-After, and never for ever', () => {
  const seconds = fc.double({ min: 0.1, max: 86_400, noNaN: true });
  const given = fc.record({
    max_retries: fc.nat(50),
    retry_delay: seconds,
    max_delay: seconds,
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    schedule: fc.option(fc.array(fc.double({ min: 0, max: 86_400, noNaN: true }), { minLength: 1, maxLength: 50 })),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const asked = fc.option(fc.nat(86_400_000));
  fc.assert(
    fc.property(given, random, asked, (fields, chance, retryAfterMs) => {
      const policy = policyOf(fields);
      let made = 0;
      for (let state = 'pending'; state === 'pending'; ) {
        made += 1;
        const outcome = retryable(retryAfterMs);
        const next = decideNext({ ...CALM, outcome, policy, attemptsInSeries: made, random: chance });
        state = next.state;
        if (next.state !== 'pending') continue;
        const leastMs = Math.max(1, delayBeforeRetryMs(policy, made, chance), retryAfterMs ?? 0);
        assert.ok(Number.isSafeInteger(next.dueAt) && next.dueAt === NOW + leastMs);
      }
      assert.equal(made, policy.attemptsAllowed);
      assert.equal(made, (fields.schedule?.length ?? fields.max_retries) + 1);
    }),
  );
});
