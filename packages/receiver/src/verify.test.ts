import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signHeaders } from './node.ts';
import type { RefusalReason } from './verification.ts';
import { verify } from './verify.ts';
import type { VerifyOptions } from './verify-options.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const timestamp = 1705314600;
const now = () => timestamp * 1000;
const body = JSON.stringify({ event: 'workflow.completed', delivery_id: 'del_1', data: { output: 'déjà vu' } });
const sent = signHeaders({ secrets: [secret], deliveryId: 'del_1', timestamp, body });

type Change = Partial<Omit<VerifyOptions, 'secret' | 'secrets'>> & { secret?: string };
const check = (change: Change = {}) => verify({ body, headers: sent, secret, now, ...change });
const only = (...names: string[]) => Object.fromEntries(Object.entries(sent).filter(([name]) => names.includes(name)));
const prefixed = only('x-broxi-signature', 'x-broxi-timestamp');

async function refusal(reason: RefusalReason, change: Change) {
  const result = await check(change);
  assert.ok(!result.ok, 'was accepted');
  assert.equal(result.reason, reason);
  return result.message;
}

test('accepts the request that Standard Webhooks publishes', async () => {
  const result = await verify({
    body: '{"test": 2432232314}',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    secret,
    now: () => 1614265330_000,
  });
  assert.deepEqual(result, {
    ok: true,
    scheme: 'standard',
    secretIndex: 0,
    timestamp: 1614265330,
    payload: { test: 2432232314 },
    event: null,
    deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  });
});

test('accepts a batch as any other body, and gives its events', async () => {
  const events = [{ event: 'user.session.ended', delivery_id: 'del_1', data: { user_id: 'Grüße' } }];
  const data = { event_type: 'user.session.ended', count: 1, events };
  const batch = JSON.stringify({ event: 'webhook.batch', delivery_id: 'del_batch', data });
  const headers = signHeaders({ secrets: [secret], deliveryId: 'del_batch', timestamp, body: batch });
  const result = await check({ body: batch, headers });
  assert.ok(result.ok);
  assert.deepEqual([result.event, result.deliveryId], ['webhook.batch', 'del_batch']);
  assert.deepEqual(result.payload, JSON.parse(batch));
  assert.equal((await check({ body: batch.replace('Grüße', 'x'), headers })).ok, false);
});

test('prefers Standard Webhooks, then the timestamped signature, and the body alone only when asked for', async () => {
  const common = {
    ok: true,
    secretIndex: 0,
    payload: JSON.parse(body),
    event: 'workflow.completed',
    deliveryId: 'del_1',
  };
  const accept = ['body', 'timestamped', 'standard'] as const;
  assert.deepEqual(await check({ accept }), { ...common, scheme: 'standard', timestamp });
  assert.deepEqual(await check({ headers: prefixed, accept }), { ...common, scheme: 'timestamped', timestamp });
  assert.deepEqual(await check({ headers: prefixed }), { ...common, scheme: 'timestamped', timestamp });

  const basic = signHeaders({ secrets: [secret], deliveryId: 'del_1', timestamp, body, scheme: 'body' });
  const headers = { 'x-broxi-signature': basic['x-broxi-signature'], 'x-broxi-timestamp': String(timestamp) };
  assert.deepEqual(await check({ headers, accept }), { ...common, scheme: 'body', timestamp: null });
  await refusal('signature_mismatch', { headers });
  const yearLater = () => now() + 365 * 86_400_000;
  assert.equal((await check({ headers, accept: ['body'], now: yearLater })).ok, true, 'no time is signed');
});

test('a signature that would do is not accepted under a scheme that was left out', async () => {
  await refusal('missing_signature', { headers: prefixed, accept: ['standard'] });
  await refusal('signature_mismatch', { accept: ['body'] });
});

test('a receiver that knows any valid secret accepts, and learns which', async () => {
  const secrets = [secret, 'the_newest_old_secret', 'the_oldest_old_secret'];
  const headers = signHeaders({ secrets, deliveryId: 'del_1', timestamp, body });
  for (const known of secrets) assert.equal((await check({ headers, secret: known })).ok, true);
  const hexOnly = {
    'x-broxi-timestamp': String(timestamp),
    'x-broxi-signature': headers['x-broxi-signature'],
    'x-broxi-signature-previous': headers['x-broxi-signature-previous'],
  };
  assert.equal((await check({ headers: hexOnly, secret: 'the_newest_old_secret' })).ok, true);
  await refusal('signature_mismatch', { headers: hexOnly, secret: 'the_oldest_old_secret' });

  const result = await verify({ body, headers: sent, secrets: ['some_other_secret', secret], now });
  assert.ok(result.ok);
  assert.equal(result.secretIndex, 1);
});

test('skips signatures of other versions, and reads repeated headers', async () => {
  const good = sent['webhook-signature'] ?? '';
  const other = `v1,${Buffer.alloc(32).toString('base64')}`;
  for (const value of [`v1a,asymmetric ${other} ${good}`, [other, good], [good, other], `nonsense ${good}`]) {
    const headers = { ...only('webhook-id', 'webhook-timestamp'), 'webhook-signature': value };
    assert.equal((await check({ headers })).ok, true, String(value));
  }
});

test('a deployment with its own prefix', async () => {
  const acme = { headerPrefix: 'X-Acme-' };
  const signed = signHeaders({ secrets: [secret], deliveryId: 'del_1', timestamp, body, ...acme });
  const headers = { 'X-ACME-Signature': signed['x-acme-signature'], 'X-ACME-Timestamp': signed['x-acme-timestamp'] };
  assert.equal((await check({ headers, ...acme })).ok, true);
  await refusal('missing_signature', { headers });
});

test('tolerates exactly toleranceSeconds either way', async () => {
  const at = (seconds: number) => ({ now: () => (timestamp + seconds) * 1000 + 999 });
  assert.equal((await check(at(300))).ok, true);
  assert.equal((await check(at(-300))).ok, true);
  assert.match(await refusal('timestamp_too_old', at(301)), /301 s old .* 300 s are tolerated.*NTP/);
  assert.match(await refusal('timestamp_in_future', at(-301)), /301 s ahead .* 300 s are tolerated.*NTP/);
  await refusal('timestamp_too_old', { ...at(11), toleranceSeconds: 10 });
  await refusal('timestamp_too_old', { ...at(301), headers: prefixed });
  await refusal('timestamp_too_old', { now: () => Date.now() });
  assert.equal((await check({ ...at(1e9), toleranceSeconds: Number.POSITIVE_INFINITY })).ok, true);
});

test('names what is missing or malformed', async () => {
  const without = (name: string) => ({ headers: { ...sent, [name]: undefined }, accept: ['standard'] as const });
  assert.match(await refusal('missing_signature', { headers: {} }), /webhook-signature.*headerPrefix.*proxy/);
  assert.match(await refusal('missing_id', without('webhook-id')), /webhook-id/);
  assert.match(await refusal('missing_timestamp', without('webhook-timestamp')), /webhook-timestamp/);
  await refusal('missing_timestamp', { headers: only('x-broxi-signature') });

  const changed = (name: string, value: string) => ({
    headers: { ...sent, [name]: value },
    accept: ['standard'] as const,
  });
  await refusal('malformed_id', changed('webhook-id', 'del.1'));
  for (const value of ['', '1e9', '-1', '0x10', '1705314600.0', '1705314600123', 'NaN', '1705314600, 1705314600']) {
    if (value === '') await refusal('missing_timestamp', changed('webhook-timestamp', value));
    else await refusal('malformed_timestamp', changed('webhook-timestamp', value));
  }
  for (const value of ['v1', 'v1,', 'v1,short', 'v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', ',']) {
    await refusal('malformed_signature', changed('webhook-signature', value));
  }
  const hex = sent['x-broxi-signature'] ?? '';
  for (const value of [hex.slice(1), hex.toUpperCase(), `sha256=${hex}`, `${hex}, ${hex}`]) {
    await refusal('malformed_signature', { headers: { ...prefixed, 'x-broxi-signature': value } });
  }
});

test('of several refusals tells the one that got furthest', async () => {
  const forged = { ...sent, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` };
  await refusal('timestamp_too_old', { headers: forged, now: () => now() + 301_000 });
  await refusal('signature_mismatch', { headers: { ...prefixed, 'webhook-signature': 'v1,' }, body: '{}' });
});

test('a mismatch names its likely cause', async () => {
  const cause = (change: Change) => refusal('signature_mismatch', change);
  assert.match(await cause({ body: '' }), /body is empty/);
  assert.match(await cause({ body: JSON.stringify(JSON.parse(body), null, 2) }), /parsed and written again/);
  assert.match(await cause({ secret: `"${secret}"` }), /quotation marks/);
  assert.match(await cause({ secret: secret.slice('whsec_'.length) }), /does not start with whsec_/);
  assert.match(await cause({ secret: 'whsec_AAEC/w==' }), /another webhook, or was rotated/);
  const invalid = Uint8Array.of(0x7b, 0xff);
  assert.match(await cause({ body: invalid }), /another webhook/);
});

test('gives no payload for a verified body that is not JSON in UTF-8', async () => {
  for (const odd of ['not json', Uint8Array.of(0x22, 0xff, 0x22)]) {
    const headers = signHeaders({ secrets: [secret], deliveryId: 'del_1', timestamp, body: odd });
    const result = await check({ body: odd, headers });
    assert.ok(result.ok);
    assert.deepEqual([result.payload, result.event], [undefined, null]);
  }
});

test("a caller's mistake is thrown, by the option's name", async () => {
  const wrong: [string, object][] = [
    ['body', { body: JSON.parse(body) }],
    ['body', { body: new ArrayBuffer(8) }],
    ['headers', { headers: undefined }],
    ['secret', { secret: undefined }],
    ['secret', { secret: `${secret}\n` }],
    ['secret', { secret: 'whsec_***' }],
    ['secrets', { secrets: [secret] }],
    ['secrets', { secret: undefined, secrets: [] }],
    ['secrets[0]', { secret: undefined, secrets: [''] }],
    ['toleranceSeconds', { toleranceSeconds: -1 }],
    ['toleranceSeconds', { toleranceSeconds: Number.NaN }],
    ['now', { now: () => Number.NaN }],
    ['accept', { accept: [] }],
    ['accept', { accept: ['standard', 'Body'] }],
    ['headerPrefix', { headerPrefix: 'webhook-' }],
  ];
  for (const [option, change] of wrong) {
    await assert.rejects(check(change), { name: 'InvalidOptionError', option }, option);
  }
});
