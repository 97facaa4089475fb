import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import './test-web-crypto.ts';
import { hmacSha256 as hmacOnNode } from './hmac-node.ts';
import { hmacSha256 as hmacOnWeb } from './hmac-web.ts';
import { createSigner, signHeaders } from './node.ts';
import { type SignOptions, sign, signWith } from './sign.ts';

// Computed with Python's hmac; the third line of each is what a Standard Webhooks library expects.
const body = '{"event":"workflow.completed","data":{"output":"déjà vu ✓"}}';
const timestamp = 1705314600;
const generated = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const generatedAnswers = {
  body: '9119ec56a32179d569113510dc5153a1ca98f99288e9e9496b8936cb565885ad',
  timestamped: '41c74ac0bdbf2f300def946f5350a682f59a3961f12ff25e81b77b329b5bb336',
  standard: 'v1,3ZtHOVtlc1SD1QwYn984YazY9jqi8VOAv6IHK8nFiOs=',
};
const own = 'webhook_secret_key_here';
const ownAnswers = {
  body: '0c37a2969c6c41c24ba2fa2820da19b72936fadc3e1f0b14d580a0bef45d154b',
  timestamped: 'b088ecb9195f2769aceb9c6e049ccc6c13c47e8ed768898fc75e48adf7f9acda',
  standard: 'v1,TDaViSw+hAFl6lLRPOSlRMqFw4sO675uaVbWaZs1bRo=',
};

const runtimes: { name: string; run: (options: SignOptions) => Promise<Record<string, string>> }[] = [
  { name: 'sign on Web Crypto', run: (options) => signWith(hmacOnWeb, options) },
  { name: 'sign on node:crypto', run: (options) => signWith(hmacOnNode, options) },
  { name: 'sign as resolved here', run: sign },
  { name: 'signHeaders', run: async (options) => signHeaders(options) },
];

for (const { name, run } of runtimes) {
  test(`${name}: gives the signature that Standard Webhooks publishes`, async () => {
    const headers = await run({
      secrets: [generated],
      deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
    });
    assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  for (const scheme of ['timestamped', 'body'] as const) {
    test(`${name}: known answers, ${scheme}`, async () => {
      assert.deepEqual(await run({ secrets: [generated], deliveryId: 'del_1', timestamp, body, scheme }), {
        'x-broxi-timestamp': '1705314600',
        'x-broxi-signature': generatedAnswers[scheme],
        'webhook-id': 'del_1',
        'webhook-timestamp': '1705314600',
        'webhook-signature': generatedAnswers.standard,
      });
      const ofOwn = await run({ secrets: [own], deliveryId: 'del_1', timestamp, body, scheme });
      assert.equal(ofOwn['x-broxi-signature'], ownAnswers[scheme]);
      assert.equal(ofOwn['webhook-signature'], ownAnswers.standard);
    });
  }

  test(`${name}: in a rotation signs with every secret, and names the newest old one apart`, async () => {
    const oldest = 'an_even_older_secret';
    const secrets = [generated, own, oldest];
    const byIndex = (signatureSecretIndex: number) =>
      run({ secrets, deliveryId: 'del_1', timestamp, body, signatureSecretIndex });
    const first = await byIndex(0);
    assert.equal(first['x-broxi-signature'], generatedAnswers.timestamped);
    assert.equal(first['x-broxi-signature-previous'], ownAnswers.timestamped);
    const { 'webhook-signature': ofOldest = '' } = await run({
      secrets: [oldest],
      deliveryId: 'del_1',
      timestamp,
      body,
    });
    assert.equal(first['webhook-signature'], `${generatedAnswers.standard} ${ownAnswers.standard} ${ofOldest}`);

    const second = await byIndex(1);
    assert.equal(second['x-broxi-signature'], ownAnswers.timestamped);
    assert.equal(second['x-broxi-signature-previous'], ownAnswers.timestamped);
    assert.equal(second['webhook-signature'], first['webhook-signature']);

    const third = await byIndex(2);
    assert.notEqual(third['x-broxi-signature'], ownAnswers.timestamped);
    assert.equal(third['x-broxi-signature-previous'], ownAnswers.timestamped);
  });

  test(`${name}: refuses what cannot be signed, by the option's name`, async () => {
    const good = { secrets: [own], deliveryId: 'del_1', timestamp, body };
    const wrong: [string, object][] = [
      ['secrets', { secrets: [] }],
      ['secrets', { secrets: [own, own, own, own] }],
      ['secrets[1]', { secrets: [own, 'whsec_not base64'] }],
      ['deliveryId', { deliveryId: 'del.1' }],
      ['deliveryId', { deliveryId: 'del_1\r\nx: y' }],
      ['deliveryId', { deliveryId: '' }],
      ['timestamp', { timestamp: 1705314600123 }],
      ['timestamp', { timestamp: 1705314600.5 }],
      ['timestamp', { timestamp: -1 }],
      ['timestamp', { timestamp: Number.NaN }],
      ['body', { body: { event: 'parsed' } }],
      ['scheme', { scheme: 'standard' }],
      ['signatureSecretIndex', { signatureSecretIndex: 1 }],
      ['signatureSecretIndex', { signatureSecretIndex: -1 }],
      ['headerPrefix', { headerPrefix: 'X Broxi-' }],
    ];
    for (const [option, change] of wrong) {
      const refused = run({ ...good, ...change });
      await assert.rejects(refused, { name: 'InvalidOptionError', code: 'invalid_option', option }, option);
    }
  });
}

const secretText = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`),
  fc.stringMatching(/^[!-~]{1,200}$/).filter((text) => !text.startsWith('whsec_')),
);
const exchange = fc.record({
  secrets: fc.array(secretText, { minLength: 1, maxLength: 3 }),
  deliveryId: fc.stringMatching(/^[\w:-]{1,40}$/),
  timestamp: fc.integer({ min: 0, max: 99_999_999_999 }),
  body: fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.uint8Array()),
  scheme: fc.constantFrom('timestamped', 'body'),
  headerPrefix: fc.constantFrom('X-Broxi-', 'X-Acme-Hooks-'),
});

test('Node and Web Crypto sign alike, and bytes like the text that they encode', async () => {
  await fc.assert(
    fc.asyncProperty(exchange, fc.nat({ max: 2 }), async (options, position) => {
      const signed = { ...options, signatureSecretIndex: position % options.secrets.length };
      const onNode = createSigner(options).signHeaders(signed);
      assert.deepEqual(await signWith(hmacOnWeb, signed), onNode);
      if (typeof options.body === 'string') {
        const body = new TextEncoder().encode(options.body);
        assert.deepEqual(signHeaders({ ...signed, body }), onNode);
        assert.deepEqual(await signWith(hmacOnWeb, { ...signed, body }), onNode);
      }
    }),
  );
});
