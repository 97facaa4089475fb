import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { commandOf, type ReceiverName, type RunningReceiver, receiverNames, startReceiver } from './start-receiver.ts';

// Signatures are made here with node:crypto alone, so that an error in our own packages cannot hide itself.
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const hmac = (signed: string, key = secret) => createHmac('sha256', key).update(signed).digest('hex');
const nowSeconds = () => Math.floor(Date.now() / 1000);
let deliveries = 0;

const samples: [event: string, data: object][] = [
  ['workflow.completed', { workflow_id: 'support_bot', run_id: 'run_1', output: null, cost: 0.0045 }],
  ['workflow.failed', { workflow_id: 'reader', run_id: 'run_2', error: { code: 'TIMEOUT', message: 'too slow' } }],
  ['user.message.received', { user_id: 'u_1', session_id: 's_1', message: { id: 'msg_1', content: 'Où est-ce? 🚚' } }],
];

function makeBody(event = 'workflow.completed', data: object = samples[0]?.[1] ?? {}) {
  deliveries += 1;
  const deliveryId = `del_${deliveries}`;
  const timestamp = '2026-01-15T10:30:05.123Z';
  return { deliveryId, body: JSON.stringify({ event, timestamp, webhook_id: 'wh_1', delivery_id: deliveryId, data }) };
}

const signBody = (body: string, key = secret) => ({ 'x-broxi-signature': hmac(body, key) });
const signTimestamped = (body: string, { at = nowSeconds(), key = secret } = {}) => ({
  'x-broxi-timestamp': String(at),
  'x-broxi-signature': hmac(`${at}.${body}`, key),
});

async function post(receiver: RunningReceiver, body: string, headers: Record<string, string>) {
  const response = await fetch(receiver.url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, text: await response.text() };
}

const basic: readonly ReceiverName[] = ['express-basic', 'flask-basic'];

for (const name of receiverNames) {
  const isBasic = basic.includes(name);
  const sign = (body: string, key = secret) => (isBasic ? signBody(body, key) : signTimestamped(body, { key }));

  describe(name, () => {
    let receiver: RunningReceiver;
    let accepted = 0;
    before(async () => {
      receiver = await startReceiver(name, { secret });
    });
    after(() => receiver?.stop());

    async function assertAccepted(body: string, headers: Record<string, string>, expected: object) {
      const { status, text } = await post(receiver, body, headers);
      assert.equal(status, 200, text);
      accepted += 1;
      assert.deepEqual((await receiver.received(accepted)).slice(accepted - 1), [expected]);
    }

    /** Refused, and not handled either: what is handled next is the next accepted one. */
    async function assertRefused(body: string, headers: Record<string, string>) {
      assert.equal((await post(receiver, body, headers)).status, 401);
      const next = makeBody();
      await assertAccepted(next.body, sign(next.body), { event: 'workflow.completed', deliveryId: next.deliveryId });
    }

    test('accepts each sample and a type it has no handler for', async () => {
      for (const [event, data] of [...samples, ['webhook.test', {}] as const]) {
        const { body, deliveryId } = makeBody(event, data);
        await assertAccepted(body, sign(body), { event, deliveryId });
      }
    });

    test('refuses a wrong secret, a changed body, and signatures of other shapes', async () => {
      const { body } = makeBody();
      await assertRefused(body, sign(body, `${secret}x`));
      await assertRefused(body.replace('0.0045', '0.0046'), sign(body));
      await assertRefused(body, { ...sign(body), 'x-broxi-signature': 'short' });
      await assertRefused(body, { ...sign(body), 'x-broxi-signature': 'é'.repeat(64) });
      await assertRefused(body, {});
    });

    test(`refuses the ${isBasic ? 'timestamped' : 'body'} scheme with 401, so that auto finds the other one`, async () => {
      const { body } = makeBody();
      const timestamp = { 'x-broxi-timestamp': String(nowSeconds()) };
      await assertRefused(body, isBasic ? signTimestamped(body) : { ...timestamp, ...signBody(body) });
    });

    test('takes a body of one mebibyte', async () => {
      const { body, deliveryId } = makeBody('webhook.batch', { text: 'é'.repeat(512 * 1024) });
      await assertAccepted(body, sign(body), { event: 'webhook.batch', deliveryId });
    });

    test('refuses a body of more than two mebibytes, announced or streamed', async () => {
      const tooMuch = Buffer.alloc(2 * 1024 * 1024 + 1, ' ');
      const headers = { 'content-type': 'application/json' };
      const announced = await fetch(receiver.url, { method: 'POST', headers, body: tooMuch });
      assert.equal(announced.status, 413);
      const body = new Blob([tooMuch]).stream();
      const streamed = await fetch(receiver.url, { method: 'POST', headers, body, duplex: 'half' });
      assert.equal(streamed.status, 413);
    });

    test('prints one line per event whatever the event holds', async () => {
      const user_id = 'u\n{"received":"forged","delivery_id":"forged"}\u2028';
      const { body, deliveryId } = makeBody('user.message.received', { ...samples[2]?.[1], user_id });
      await assertAccepted(body, sign(body), { event: 'user.message.received', deliveryId });
    });

    test('says in one line which setting is missing', async () => {
      const [command, ...args] = await commandOf(name);
      const child = spawn(command, args, {
        env: { ...process.env, PORT: '0', WEBHOOK_SECRET: '' },
        timeout: 10_000,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [exit, output, errors] = await Promise.all([
        new Promise((resolve) => child.once('close', resolve)),
        text(child.stdout),
        text(child.stderr),
      ]);
      assert.equal(exit, 1);
      assert.equal(output, '');
      assert.match(errors, /^WEBHOOK_SECRET is not set: .+\n$/);
    });

    if (isBasic) return;

    test('refuses what is older or newer than five minutes, and a timestamp that is none', async () => {
      const { body } = makeBody();
      await assertRefused(body, signTimestamped(body, { at: nowSeconds() - 310 }));
      await assertRefused(body, signTimestamped(body, { at: nowSeconds() + 310 }));
      await assertRefused(body, { ...signTimestamped(body), 'x-broxi-timestamp': String(nowSeconds() - 1) });
      await assertRefused(body, { 'x-broxi-timestamp': 'today', 'x-broxi-signature': hmac(`today.${body}`) });
    });

    test('accepts what is four and a half minutes old', async () => {
      const { body, deliveryId } = makeBody();
      const headers = signTimestamped(body, { at: nowSeconds() - 270 });
      await assertAccepted(body, headers, { event: 'workflow.completed', deliveryId });
    });

    test('acknowledges a duplicate without handling it again', async () => {
      const { body, deliveryId } = makeBody();
      await assertAccepted(body, sign(body), { event: 'workflow.completed', deliveryId });
      const again = await post(receiver, body, signTimestamped(body, { at: nowSeconds() - 5 }));
      assert.equal(again.status, 200);
      assert.match(again.text, /already processed/);
      const next = makeBody();
      await assertAccepted(next.body, sign(next.body), { event: 'workflow.completed', deliveryId: next.deliveryId });
    });
  });
}

test('express-basic signs the parsed body written out again: other bytes of the same JSON verify too', async (t) => {
  const receiver = await startReceiver('express-basic', { secret });
  t.after(() => receiver.stop());
  const { body } = makeBody();
  const spaced = JSON.stringify(JSON.parse(body), null, 2);
  assert.equal((await post(receiver, spaced, signBody(body))).status, 200);
  assert.equal((await post(receiver, spaced, signBody(spaced))).status, 401);
});

test('secure handles a delivery that could not be processed when it comes again', async (t) => {
  const receiver = await startReceiver('secure', { secret });
  t.after(() => receiver.stop());
  // The same delivery id both times; only the first body makes the handler fail.
  const { body, deliveryId } = makeBody('workflow.failed', samples[1]?.[1]);
  const broken = body.replace('"error"', '"no_error"');
  assert.equal((await post(receiver, broken, signTimestamped(broken))).status, 500);
  assert.equal((await post(receiver, body, signTimestamped(body))).status, 200);
  assert.deepEqual(await receiver.received(1), [{ event: 'workflow.failed', deliveryId }]);
});

test('with-package accepts webhook-signature of Standard Webhooks 1.0', async (t) => {
  const receiver = await startReceiver('with-package', { secret });
  t.after(() => receiver.stop());
  const { body, deliveryId } = makeBody();
  const at = String(nowSeconds());
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = `v1,${createHmac('sha256', key).update(`${deliveryId}.${at}.${body}`).digest('base64')}`;
  const headers = { 'webhook-id': deliveryId, 'webhook-timestamp': at, 'webhook-signature': signature };
  assert.equal((await post(receiver, body, headers)).status, 200);
  assert.equal((await post(receiver, body, { ...headers, 'webhook-id': 'del_other' })).status, 401);
});

test('startReceiver tells why a receiver did not start', async () => {
  await assert.rejects(
    startReceiver('secure', { secret: '' }),
    /secure: ended \(exit code 1\)[\s\S]*WEBHOOK_SECRET is not set/,
  );
});

test('waiting for what never comes ends with the process, and stop may be called twice', async () => {
  const receiver = await startReceiver('secure', { secret });
  const waiting = assert.rejects(receiver.received(1), /ended \(SIGTERM\) while waiting for: 1 received/);
  await receiver.stop();
  await receiver.stop();
  await waiting;
});
