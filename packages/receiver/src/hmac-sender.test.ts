import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hmacsOf, prepareKey } from './hmac-sender.ts';

const key = fc.uint8Array({ minLength: 1, maxLength: 200 });
const prefix = fc.stringMatching(/^[\w:.-]{0,280}$/);
const body = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 2_000 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '✓', '😀', '\ud800', '\0') }),
  fc.uint8Array({ maxLength: 2_000 }),
);
const encoding = fc.constantFrom('hex', 'base64');

function expected(bytes: Uint8Array, text: string, encoding: 'hex' | 'base64', body: string | Uint8Array): string {
  return createHmac('sha256', bytes).update(text).update(body).digest(encoding);
}

test('signs as node:crypto does, whatever the keys, prefixes and body', () => {
  const step = fc.record({ key, prefix, encoding });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), body, (steps, body) => {
      const signed = hmacsOf(
        steps.map((each) => ({ ...each, key: prepareKey(each.key) })),
        body,
      );
      assert.deepEqual(
        signed,
        steps.map((each) => expected(each.key, each.prefix, each.encoding, body)),
      );
    }),
    { numRuns: 500 },
  );
});

test('signs bodies on either side of what it hashes at once', () => {
  const bytes = new Uint8Array(32).fill(7);
  for (const length of [21_844, 21_845, 21_846, 65_536, 1_000_000]) {
    for (const body of ['x'.repeat(length), '✓'.repeat(length), new Uint8Array(length).fill(9)]) {
      const signed = hmacsOf([{ key: prepareKey(bytes), prefix: 'id.1.', encoding: 'hex' }], body);
      assert.deepEqual(signed, [expected(bytes, 'id.1.', 'hex', body)], `${length}`);
    }
  }
});
