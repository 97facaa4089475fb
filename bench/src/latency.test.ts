import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { latencyOf } from './latency.ts';
import { createLatencyReceiver, nowMicroseconds } from './latency-receiver.ts';
import { produce } from './paced-producer.ts';

test('latencies are in milliseconds, negative where the arrival came first, and what is missing is counted', () => {
  const sent = [
    { id: 'evt_1', plannedAt: 1_000, sentAt: 1_100, acknowledgedAt: 3_000 },
    { id: 'evt_2', plannedAt: 2_000, sentAt: 2_000, acknowledgedAt: 9_000 },
    { id: 'evt_3', plannedAt: 3_000, sentAt: 3_000, acknowledgedAt: 9_000 },
  ];
  const latency = latencyOf({ sent, acknowledged: 10, failed: 4 }, { evt_1: 5_000, evt_2: 8_500, other: 1 });
  assert.deepEqual(latency.afterAcknowledgement, { count: 2, min: -0.5, p50: -0.5, p99: 2, max: 2 });
  assert.deepEqual(latency.endToEnd, { count: 2, min: 4, p50: 4, p99: 6.5, max: 6.5 });
  assert.equal(latency.acknowledgement.max, 7);
  assert.equal(latency.producerDelay.max, 0.1);
  assert.equal(latency.missing, 1);
  assert.equal(latency.failed, 4);
  assert.throws(() => latencyOf({ sent, acknowledged: 3, failed: 0 }, {}), /none arrived/);
});

test('the receiver notes the first arrival of each event', async (t) => {
  const receiver = createLatencyReceiver().listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => receiver.close());
  const origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const post = (id: string) =>
    fetch(`${origin}/hook`, { method: 'POST', headers: { 'x-broxi-event-id': id }, body: '{}' });
  const before = nowMicroseconds();
  assert.equal((await post('evt_1')).status, 204);
  const between = nowMicroseconds();
  await post('evt_1');
  await post('evt_2');
  assert.deepEqual(await (await fetch(`${origin}/count`)).json(), { count: 2 });
  const arrivals = (await (await fetch(`${origin}/arrivals`)).json()) as Record<string, number>;
  const first = arrivals.evt_1 ?? 0;
  assert.ok(before <= first && first <= between, `${before} ≤ ${first} ≤ ${between}`);
  assert.ok((arrivals.evt_2 ?? 0) > between);
  await fetch(`${origin}/arrivals`, { method: 'DELETE' });
  assert.deepEqual(await (await fetch(`${origin}/count`)).json(), { count: 0 });
});

test('the producer keeps its pace although answers stay out, and counts what fails', { timeout: 20_000 }, async (t) => {
  let arrived = 0;
  const types: unknown[] = [];
  const release = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    arrived += 1;
    const n = arrived;
    if (n === 20) release.resolve();
    types.push(JSON.parse((await request.toArray()).join('')).event);
    // No answer before the twentieth event is here: a producer that waits for answers would never send it.
    await release.promise;
    response.writeHead(n === 15 ? 503 : 202).end(JSON.stringify({ id: `evt_${n}` }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pace = { origin, apiKey: 'k', rate: 20, warmUpSeconds: 0.5, seconds: 1, types: ['a.b', 'c.d'] };
  const { sent, acknowledged, failed } = await produce(pace);
  assert.equal(arrived, 30);
  assert.deepEqual([types.filter((type) => type === 'a.b').length, types.includes('c.d')], [15, true]);
  assert.equal(acknowledged, 29);
  assert.equal(failed, 1);
  assert.equal(sent.length, 19);
  const planned = sent.map((event) => event.plannedAt).sort((a, b) => a - b);
  assert.equal(Math.round(((planned.at(-1) ?? 0) - (planned[0] ?? 0)) / 1000), 950);
  for (const event of sent) {
    assert.ok(event.sentAt >= event.plannedAt && event.acknowledgedAt >= event.sentAt);
  }
});
