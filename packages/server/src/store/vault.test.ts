import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidSettingError } from '../errors.ts';
import { createVault } from './vault.ts';

const key = randomBytes(32);
const vault = createVault(key);

test('opens what it sealed, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
      assert.equal(vault.open(vault.seal(text)), text);
    }),
  );
  assert.equal(createVault(Buffer.from(key)).open(vault.seal('from another start')), 'from another start');
});

test('seals the same text differently each time, and shows nothing of it', () => {
  const text = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const sealed = Array.from({ length: 200 }, () => vault.seal(text));
  assert.equal(new Set(sealed).size, sealed.length);
  assert.equal(new Set(sealed.map((each) => nonceOf(each))).size, sealed.length, 'a nonce is never used twice');
  for (const each of sealed) {
    assert.match(each, /^v1\.[A-Za-z0-9+/]+=*$/);
    assert.ok(!Buffer.from(each.slice(3), 'base64').includes(text.slice(0, 6)));
  }
});

test('opens nothing with another key, and says which setting is wrong', () => {
  const sealed = vault.seal('secret');
  assert.throws(
    () => createVault(randomBytes(32)).open(sealed),
    (error) => {
      assert.ok(error instanceof InvalidSettingError);
      assert.match(error.message, /^BROXI_ENCRYPTION_KEY is not the key/);
      assert.ok(!error.message.includes('secret'));
      return true;
    },
  );
});

test('opens nothing that was tampered with or cut off', () => {
  const bytes = Buffer.from(vault.seal('secret').slice(3), 'base64');
  for (let i = 0; i < bytes.length; i += 1) {
    const tampered = Buffer.from(bytes);
    tampered.writeUInt8(tampered.readUInt8(i) ^ 1, i);
    assert.throws(() => vault.open(`v1.${tampered.toString('base64')}`), InvalidSettingError, `byte ${i}`);
    assert.throws(() => vault.open(`v1.${bytes.subarray(0, i).toString('base64')}`), InvalidSettingError, `${i} bytes`);
  }
  assert.throws(() => vault.open('v1.'), InvalidSettingError);
  assert.throws(() => vault.open(''), InvalidSettingError);
});

function nonceOf(sealed: string): string {
  return Buffer.from(sealed.slice(3), 'base64').subarray(0, 12).toString('hex');
}
