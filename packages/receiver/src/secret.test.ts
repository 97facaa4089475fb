import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSecret, parseSecrets } from './secret.ts';

const utf8 = new TextEncoder();

function keysOf(text: string) {
  const parsed = parseSecret(text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
  return parsed.secret;
}

test('the prefixed signature uses the whole text, Standard Webhooks the decoded base64', () => {
  const secret = keysOf('whsec_AAEC/w==');
  assert.deepEqual(secret.signatureKey, utf8.encode('whsec_AAEC/w=='));
  assert.deepEqual(secret.standardKey, Uint8Array.of(0, 1, 2, 255));
  assert.equal(secret.standardText, 'whsec_AAEC/w==');
});

test('a secret without the prefix is its UTF-8 bytes for both, even where it looks like base64', () => {
  const secret = keysOf('AAEC/w==');
  assert.deepEqual(secret.signatureKey, utf8.encode('AAEC/w=='));
  assert.deepEqual(secret.standardKey, utf8.encode('AAEC/w=='));
});

test('standardText gives a Standard Webhooks library the same key', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[!-~]{16,256}$/), (text) => {
      const parsed = parseSecret(text);
      if (!parsed.ok) return;
      assert.deepEqual(keysOf(parsed.secret.standardText).standardKey, parsed.secret.standardKey);
    }),
  );
});

for (const [what, text] of [
  ['no base64', 'whsec_'],
  ['a character outside the alphabet', 'whsec_AAE*'],
  ['the URL alphabet', 'whsec_AAE_'],
  ['missing padding', 'whsec_AAEC/w'],
  ['stray last bits', 'whsec_AAEC/x=='],
  ['inner white space', 'whsec_AAEC /w='],
  ['padding in the middle', 'whsec_AA==AAEC'],
] as const) {
  test(`whsec_ with ${what} is refused`, () => {
    const parsed = parseSecret(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.message, /after whsec_ must come base64/);
  });
}

test('outer white space is refused, with the likely cause', () => {
  for (const text of [' secret_secret_secret', 'secret_secret_secret\n', '\tsecret']) {
    const parsed = parseSecret(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.message, /white space .*line break/);
  }
});

test('no refusal repeats the secret', () => {
  for (const text of ['whsec_hunter2*', ' hunter2', 'hunter2\n']) {
    assert.throws(
      () => parseSecrets(['fine', text]),
      (error: Error) => error.message.startsWith('secrets[1]: ') && !error.message.includes('hunter2'),
    );
  }
});

test('an unset environment variable is refused as such', () => {
  // @ts-expect-error: what plain JavaScript passes for a variable that is not set
  const parsed = parseSecret(undefined);
  assert.ok(!parsed.ok);
  assert.match(parsed.message, /environment variable/);
});
