import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parseCounters } from './counters.ts';
import { createRelay } from './relay.ts';
import { sampleEvent } from './sample-event.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

async function startPair(t: TestContext, status: number) {
  const received: { headers: IncomingHttpHeaders; body: string; url: string | undefined }[] = [];
  const gate = Promise.withResolvers<void>();
  const receiver = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body, url: request.url });
    receiver.emit('received');
    await gate.promise;
    response.writeHead(status).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const relay = createRelay({ url, secret, connections: 2 });
  t.after(async () => {
    await relay.close();
    receiver.close();
  });
  const post = (payload: string) =>
    relay.inject({ method: 'POST', url: '/v1/events', headers: { 'content-type': 'application/json' }, payload });
  const counters = async () => parseCounters((await relay.inject('/metrics')).body);
  return { post, counters, received, receiver, gate };
}

test('forwards an event with both signatures', async (t) => {
  const { post, received, gate } = await startPair(t, 204);
  gate.resolve();
  const answer = await post(sampleEvent(7));
  assert.equal(answer.statusCode, 202);
  const { headers, body, url } = received[0] ?? assert.fail('nothing was received');
  assert.equal(url, '/hook');
  const envelope = JSON.parse(body);
  assert.deepEqual(Object.keys(envelope), ['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
  assert.deepEqual(envelope.data, JSON.parse(sampleEvent(7)).data);
  assert.equal(JSON.stringify(envelope), body);
  assert.equal(headers['x-broxi-event-id'], answer.json().id);
  assert.equal(headers['x-broxi-delivery-id'], envelope.delivery_id);
  assert.match(String(headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  const timestamp = headers['x-broxi-timestamp'];
  assert.equal(headers['x-broxi-signature'], createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex'));
  const standardKey = Buffer.from(secret.slice(6), 'base64');
  const standardText = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  assert.equal(
    headers['webhook-signature'],
    `v1,${createHmac('sha256', standardKey).update(standardText).digest('base64')}`,
  );
});

test('answers only when the receiver has, and counts what is under way', async (t) => {
  const { post, counters, receiver, gate } = await startPair(t, 200);
  let answered = false;
  const arrival = once(receiver, 'received');
  const answer = post(sampleEvent(1)).then((response) => {
    answered = true;
    return response.statusCode;
  });
  await arrival;
  assert.deepEqual(await counters(), { commits: null, accepted: 1, settled: 0, pending: 1 });
  assert.equal(answered, false);
  gate.resolve();
  assert.equal(await answer, 202);
  assert.deepEqual(await counters(), { commits: null, accepted: 1, settled: 1, pending: 0 });
});

test('does not acknowledge what the receiver refuses, nor what is no event', async (t) => {
  const { post, received, gate } = await startPair(t, 500);
  gate.resolve();
  assert.equal((await post(sampleEvent(1))).statusCode, 502);
  for (const payload of ['{', '[]', 'null', '{"event":1,"data":{}}', '{"event":"a"}', '{"event":"a","data":null}']) {
    assert.equal((await post(payload)).statusCode, 400, payload);
  }
  assert.equal(received.length, 1);
});
