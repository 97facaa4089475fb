import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SCHEME_RECHECK_MS, signingPlan } from './signing-plan.ts';

const NOW = 1_800_000_000_000;
const known = (scheme: 'timestamped' | 'body' | null, ageMs = 0) => ({ scheme, schemeLearnedAt: NOW - ageMs });

test('an explicit scheme is all that is ever offered', () => {
  for (const destination of [known(null), known('body'), known('timestamped'), known('body', SCHEME_RECHECK_MS)]) {
    assert.deepEqual(signingPlan('timestamped', destination, NOW), ['timestamped']);
    assert.deepEqual(signingPlan('body', destination, NOW), ['body']);
  }
});

test('auto offers the safer text first, unless the receiver took the other one less than a day ago', () => {
  const safer = ['timestamped', 'body'];
  assert.deepEqual(signingPlan('auto', known(null), NOW), safer);
  assert.deepEqual(signingPlan('auto', known('timestamped', 5 * SCHEME_RECHECK_MS), NOW), safer);
  assert.deepEqual(signingPlan('auto', known('body'), NOW), ['body', 'timestamped']);
  assert.deepEqual(signingPlan('auto', known('body', SCHEME_RECHECK_MS - 1), NOW), ['body', 'timestamped']);
  assert.deepEqual(signingPlan('auto', known('body', SCHEME_RECHECK_MS), NOW), safer);
});

test('auto always offers both texts, each once', () => {
  const scheme = fc.constantFrom('timestamped' as const, 'body' as const, null);
  fc.assert(
    fc.property(scheme, fc.integer(), (learned, ageMs) => {
      assert.deepEqual([...signingPlan('auto', known(learned, ageMs), NOW)].sort(), ['body', 'timestamped']);
    }),
  );
});
