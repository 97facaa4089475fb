import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldPath } from './field-path.ts';

test('joins names with dots and positions with brackets; the body itself is empty', () => {
  assert.equal(fieldPath('', 'url'), 'url');
  assert.equal(fieldPath('retry_policy', 'max_retries'), 'retry_policy.max_retries');
  assert.equal(fieldPath('events', 2), 'events[2]');
  assert.equal(fieldPath(fieldPath('', 0), 'data'), '[0].data');
});

test('a dot inside a name is told apart', () => {
  assert.equal(fieldPath('data', 'a.b'), 'data.a\\.b');
});

test('a hostile name is cut and well-formed', () => {
  assert.equal(fieldPath('', 'x'.repeat(80)), 'x'.repeat(80));
  assert.equal(fieldPath('', 'x'.repeat(81)), `${'x'.repeat(80)}…`);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (key) => {
      const path = fieldPath('', key);
      assert.ok(path.isWellFormed() && path.length <= 161);
    }),
  );
  assert.ok(fieldPath('', `${'x'.repeat(79)}😀`).isWellFormed());
  assert.ok(fieldPath('', '\ud800').isWellFormed());
});
