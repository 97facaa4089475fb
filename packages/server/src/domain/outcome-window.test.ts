import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Evidence } from './circuit.ts';
import { OutcomeWindow } from './outcome-window.ts';

const NOW = 1_000_000_000;
type Counted = Exclude<Evidence, 'own_failure'>;

/** A window after so many attempts of each kind, of which the successes come first. */
function after({ successes = 0, others = 0, failures = 0, at = NOW }): OutcomeWindow {
  const window = new OutcomeWindow();
  for (let i = 0; i < successes; i += 1) window.add('success', at);
  for (let i = 0; i < others; i += 1) window.add('other_answer', at);
  for (let i = 0; i < failures; i += 1) window.add('counted_failure', at);
  return window;
}

test('an outage: 70 % of at least 10 attempts in the last minute', () => {
  assert.equal(after({ successes: 3, failures: 7 }).showsOutage(NOW), true);
  assert.equal(after({ others: 3, failures: 7 }).showsOutage(NOW), true);
  assert.equal(after({ successes: 4, failures: 7 }).showsOutage(NOW), false, '63 %');
  assert.equal(after({ successes: 2, failures: 7 }).showsOutage(NOW), false, 'of 9 attempts');
  assert.equal(after({ successes: 30, failures: 70 }).showsOutage(NOW), true);
  assert.equal(after({ successes: 31, failures: 69 }).showsOutage(NOW), false);
});

test('what is older than a minute does not count', () => {
  const window = after({ successes: 3, failures: 4 });
  for (let i = 0; i < 3; i += 1) window.add('counted_failure', NOW + 59_000);
  assert.equal(window.showsOutage(NOW + 59_999), true);
  const oldest = after({ failures: 7 });
  for (let i = 0; i < 3; i += 1) oldest.add('success', NOW + 59_000);
  assert.equal(oldest.showsOutage(NOW + 59_999), true, 'its first second still counts in its last');
  assert.equal(oldest.showsOutage(NOW + 60_000), false);
  const later = after({ successes: 100, failures: 0 });
  for (const outcome of 'ffffooofff') {
    assert.equal(later.showsOutage(NOW + 60_000), false);
    later.add(outcome === 'f' ? 'counted_failure' : 'other_answer', NOW + 60_000);
  }
  assert.equal(later.showsOutage(NOW + 60_000), true);
});

test('an outage: 5 failures in a row, and no success for 30 s', () => {
  assert.equal(after({ failures: 4 }).showsOutage(NOW), false);
  assert.equal(after({ failures: 5 }).showsOutage(NOW), true, 'it never succeeded');
  const window = after({ successes: 1, failures: 5 });
  assert.equal(window.showsOutage(NOW + 29_999), false);
  assert.equal(window.showsOutage(NOW + 30_000), true);
  assert.equal(window.showsOutage(NOW + 3_600_000), true);
  window.add('other_answer', NOW + 3_600_000);
  window.add('counted_failure', NOW + 3_600_000);
  assert.equal(window.showsOutage(NOW + 3_600_000), false, 'an answer breaks the row');
});

test('is empty when a minute has passed, unless failures go on in a row', () => {
  const window = after({ successes: 1 });
  assert.equal(window.isEmpty(NOW + 58_999), false);
  assert.equal(window.isEmpty(NOW + 60_000), true);
  window.add('counted_failure', NOW + 60_000);
  assert.equal(window.isEmpty(NOW + 999_000), false);
  assert.equal(new OutcomeWindow().isEmpty(NOW), true);
});

test('a clock that is set back loses nothing', () => {
  const window = after({ failures: 6, others: 0 });
  window.add('success', NOW - 10_000);
  for (let i = 0; i < 3; i += 1) window.add('counted_failure', NOW - 10_000);
  assert.equal(window.showsOutage(NOW - 10_000), true, '9 of 10');
});

test('counts by the second as a list of all attempts would', () => {
  const step = fc.record({
    gap: fc.nat({ max: 20_000 }),
    evidence: fc.constantFrom<Counted>('success', 'other_answer', 'counted_failure', 'counted_failure'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const window = new OutcomeWindow();
      const all: { second: number; failed: boolean }[] = [];
      let now = NOW;
      let inARow = 0;
      let lastSuccessAt = Number.NEGATIVE_INFINITY;
      for (const { gap, evidence } of steps) {
        now += gap;
        const failed = evidence === 'counted_failure';
        inARow = failed ? inARow + 1 : 0;
        if (evidence === 'success') lastSuccessAt = now;
        all.push({ second: Math.floor(now / 1000), failed });
        window.add(evidence, now);
        const recent = all.filter(({ second }) => second > Math.floor(now / 1000) - 60);
        const share = recent.filter((one) => one.failed).length / recent.length;
        const expected = (recent.length >= 10 && share >= 0.7) || (inARow >= 5 && now - lastSuccessAt >= 30_000);
        assert.equal(window.showsOutage(now), expected);
      }
    }),
  );
});
