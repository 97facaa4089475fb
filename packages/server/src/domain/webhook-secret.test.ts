import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSecret } from './webhook-secret.ts';

const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const problem = (secret: unknown) => {
  const checked = checkSecret(secret);
  return 'problem' in checked ? checked.problem : null;
};

test('takes a secret of Standard Webhooks without a word', () => {
  assert.deepEqual(checkSecret(WHSEC), { warning: null });
});

test('takes any printable text of 16 to 256 characters, and says what libraries will want', () => {
  for (const secret of ['0123456789abcdef', 'with inner white space', '~'.repeat(256)]) {
    const checked = checkSecret(secret);
    assert.ok('warning' in checked && checked.warning?.includes('whsec_'), secret);
  }
});

test('refuses what is too short, too long, not printable, or no text', () => {
  assert.equal(problem(7), 'must be a text');
  assert.equal(problem(undefined), 'must be a text');
  for (const secret of ['', '0123456789abcde', 'x'.repeat(257)])
    assert.equal(problem(secret), 'must have 16 to 256 characters');
  for (const secret of [
    ' 0123456789abcdef',
    '0123456789abcdef ',
    '0123456789\tabcdef',
    '0123456789abcdef\n',
    'Grüße-0123456789',
  ]) {
    assert.equal(problem(secret), 'must be printable ASCII without white space at its ends', JSON.stringify(secret));
  }
});

test('refuses whsec_ with what is no base64, since another reading of it would sign with another key', () => {
  for (const secret of ['whsec_not base64 at all', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS', 'whsec_!!!!!!!!!!!!!!!!']) {
    assert.notEqual(problem(secret), null, secret);
  }
});
