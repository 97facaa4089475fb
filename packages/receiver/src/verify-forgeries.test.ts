import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import './test-web-crypto.ts';
import { hmacSha256 as hmacOnNode } from './hmac-node.ts';
import { hmacSha256 as hmacOnWeb } from './hmac-web.ts';
import { signHeaders } from './node.ts';
import type { Scheme } from './signature.ts';
import { verifyWith } from './verify.ts';

const timestamp = 1705314600;
const now = () => timestamp * 1000;
const namesOf = {
  standard: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  timestamped: ['x-broxi-timestamp', 'x-broxi-signature'],
  body: ['x-broxi-signature'],
} as const satisfies Record<Scheme, readonly string[]>;

const scheme = fc.constantFrom<Scheme>('standard', 'timestamped', 'body');
const keyBytes = fc.uint8Array({ minLength: 1, maxLength: 64 });
const bodyBytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
const hmac = fc.constantFrom(hmacOnNode, hmacOnWeb);

const generated = (bytes: Uint8Array) => `whsec_${Buffer.from(bytes).toString('base64')}`;

function sent(chosen: Scheme, secret: string, body: Uint8Array): Record<string, string> {
  const hexScheme = chosen === 'body' ? 'body' : 'timestamped';
  const headers = signHeaders({ secrets: [secret], deliveryId: 'del_1', timestamp, body, scheme: hexScheme });
  return Object.fromEntries(namesOf[chosen].map((name) => [name, headers[name] ?? '']));
}

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const position = bit % (bytes.length * 8);
  return bytes.map((byte, index) => (index === position >> 3 ? byte ^ (1 << (position & 7)) : byte));
}

test('what was signed verifies; with any bit of body or secret flipped it does not', async () => {
  await fc.assert(
    fc.asyncProperty(hmac, scheme, keyBytes, bodyBytes, fc.nat(), async (hmac, chosen, key, body, bit) => {
      const headers = sent(chosen, generated(key), body);
      const check = (secret: string, received: Uint8Array) =>
        verifyWith(hmac, { body: received, headers, secret, now, accept: [chosen] });
      const genuine = await check(generated(key), body);
      assert.equal(genuine.ok && genuine.scheme, chosen);
      const forged = [await check(generated(key), flipBit(body, bit)), await check(generated(flipBit(key, bit)), body)];
      for (const result of forged) assert.equal(!result.ok && result.reason, 'signature_mismatch');
    }),
    { numRuns: 300 },
  );
});

test('any changed character of a header that belongs to the scheme fails', async () => {
  await fc.assert(
    fc.asyncProperty(scheme, keyBytes, bodyBytes, fc.nat(), fc.nat(), async (chosen, key, body, which, where) => {
      const headers = sent(chosen, generated(key), body);
      const name = namesOf[chosen][which % namesOf[chosen].length] ?? '';
      const bytes = Buffer.from(headers[name] ?? '', 'latin1');
      const changed = Buffer.from(flipBit(bytes, where)).toString('latin1');
      // Outer white space is not part of a header's value, so a changed character may vanish; the rest still differs.
      const result = await verifyWith(hmacOnNode, {
        body,
        headers: { ...headers, [name]: changed },
        secret: generated(key),
        now,
        accept: [chosen],
        toleranceSeconds: Number.POSITIVE_INFINITY,
      });
      assert.equal(result.ok, false, `${name}: ${changed}`);
    }),
    { numRuns: 1_000 },
  );
});

test('a signature of one scheme is none of another, under the same key', async () => {
  // Without whsec_ all schemes share one key, so only the signed texts keep them apart.
  await fc.assert(
    fc.asyncProperty(scheme, scheme, fc.json(), async (signedAs, readAs, text) => {
      fc.pre(signedAs !== readAs);
      const body = new TextEncoder().encode(`{"data":${text}}`);
      const signed = sent(signedAs, 'own_secret_text_', body);
      const signature = signed['x-broxi-signature'] ?? '';
      const base64 =
        signed['webhook-signature']?.slice('v1,'.length) ?? Buffer.from(signature, 'hex').toString('base64');
      const headers = {
        'x-broxi-signature': signature || Buffer.from(base64, 'base64').toString('hex'),
        'x-broxi-timestamp': String(timestamp),
        'webhook-id': 'del_1',
        'webhook-timestamp': String(timestamp),
        'webhook-signature': `v1,${base64}`,
      };
      const result = await verifyWith(hmacOnNode, { body, headers, secret: 'own_secret_text_', now, accept: [readAs] });
      assert.equal(!result.ok && result.reason, 'signature_mismatch');
    }),
  );
});

test('text of a signed body cannot be passed off as an id, a timestamp and a body', async () => {
  const inner = '{"event":"workflow.completed"}';
  const body = `{"data":"x.${timestamp}.${inner}"}`;
  const signed = signHeaders({ secrets: ['own_secret_text_'], deliveryId: 'del_1', timestamp, body, scheme: 'body' });
  const headers = {
    'webhook-id': '{"data":"x',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${Buffer.from(signed['x-broxi-signature'] ?? '', 'hex').toString('base64')}`,
  };
  const result = await verifyWith(hmacOnNode, { body: `${inner}"}`, headers, secret: 'own_secret_text_', now });
  assert.equal(!result.ok && result.reason, 'malformed_id');
});

test('whatever a stranger sends is refused without throwing', async () => {
  const name = fc.oneof(
    fc.constantFrom(...namesOf.standard, ...namesOf.timestamped, 'x-broxi-signature-previous', 'get'),
    fc.string(),
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((end) => `v1,${end}`),
    fc.constantFrom(String(timestamp), '9'.repeat(400), 'v1,'.repeat(50), ' ', '\0', '__proto__'),
    fc.stringMatching(/^[0-9a-f]{64}$/),
    fc.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
  );
  const values = fc.oneof(text, fc.array(text));
  const body = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.uint8Array());
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(name, values),
      body,
      fc.subarray(['standard', 'timestamped', 'body'] as const, { minLength: 1 }),
      async (headers, received, accept) => {
        const result = await verifyWith(hmacOnNode, {
          body: received,
          headers,
          secret: 'own_secret_text_',
          now,
          accept,
        });
        assert.equal(result.ok, false);
        assert.equal(!result.ok && result.message.length > 20, true);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('enormous headers are refused without throwing', async () => {
  const huge = 'v1,A '.repeat(2_000_000);
  const headers = { 'webhook-id': huge, 'webhook-timestamp': '9'.repeat(10_000_000), 'webhook-signature': huge };
  const result = await verifyWith(hmacOnNode, { body: '{}', headers, secret: 'own_secret_text_', now });
  assert.equal(!result.ok && result.reason, 'malformed_signature');
});
