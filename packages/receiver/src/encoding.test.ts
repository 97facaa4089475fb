import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64, encodeBase64, encodeHex } from './encoding.ts';

test('encodes as Node does, and decodes what it encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.equal(encodeHex(bytes), Buffer.from(bytes).toString('hex'));
      assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString('base64'));
      assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
    }),
  );
});

test('decodes nothing but the one canonical text of some bytes', () => {
  const almostBase64 = fc.string({ unit: fc.constantFrom('A', 'Q', '/', '+', '=', '-', '_', ' ', 'é'), maxLength: 12 });
  fc.assert(
    fc.property(almostBase64, (text) => {
      const canonical = Buffer.from(text, 'base64').toString('base64') === text;
      assert.equal(decodeBase64(text) !== null, canonical);
    }),
    { numRuns: 2_000 },
  );
});

test('a very long text is decoded or refused, and never overflows the stack', () => {
  assert.equal(decodeBase64('A'.repeat(8_000_000))?.length, 6_000_000);
  assert.equal(decodeBase64(`${'A'.repeat(7_999_999)}*`), null);
});
