import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { systemClock } from '../clock.ts';
import type { ExchangeTiming } from '../domain/attempt.ts';
import { createAddressPolicy } from '../domain/public-address.ts';
import { startHostileReceiver } from '../test/hostile-receiver.ts';
import { makeThrowawayCertificate } from '../test/throwaway-certificate.ts';
import { createGuardedAgent } from './address-guard.ts';
import { timingOf } from './exchange-timing.ts';
import { createSendRequest } from './send-request.ts';

/* Real sockets: which phases are measured, and that the time that a receiver takes is found in the right one. */

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const SLOW_MS = 120;
/** A timer of Node may be some milliseconds early, and phases are rounded down. */
const EARLY_MS = 5;
const SOON_MS = 5_000;

function openSender(t: TestContext, clock = systemClock) {
  const agent = createGuardedAgent(createAddressPolicy({ allowNetworks: [], allowLoopback: true }), clock);
  t.after(() => agent.destroy());
  const send = createSendRequest(agent, clock);
  return async (url: URL | string, timeoutMs = SOON_MS) => {
    const started = clock.monotonic();
    const reply = await send({
      url: new URL(url),
      headers: [],
      body: '{}',
      deadline: started + timeoutMs,
      maxAnswerBytes: 100,
    });
    const tookMs = clock.monotonic() - started;
    const { dnsMs, connectMs, tlsMs, firstByteMs } = reply.timing;
    const sum = (dnsMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0) + (firstByteMs ?? 0);
    assert.ok(sum <= tookMs, `phases of ${sum} ms in an exchange of ${tookMs} ms`);
    return { ...reply, came: reply.result.kind === 'answered' ? reply.result.status : reply.result.failure };
  };
}

/** Which phases were measured, in their order. */
function phases({ dnsMs, connectMs, tlsMs, firstByteMs }: ExchangeTiming): string {
  const names = { dns: dnsMs, connect: connectMs, tls: tlsMs, 'first byte': firstByteMs };
  return Object.entries(names)
    .flatMap(([name, ms]) => (ms === null ? [] : [name]))
    .join(', ');
}

const answering = { requested: (socket: Socket) => void socket.write(OK) };
const eventLoopRound = () => new Promise((resolve) => setImmediate(resolve));

test('the time until the first byte counts for the receiver, and the rest of its answer does not', async (t) => {
  const receiver = await startHostileReceiver(t, {
    requested(socket) {
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\n'), SLOW_MS);
      setTimeout(() => socket.write('Content-Length: 0\r\n\r\n'), 3 * SLOW_MS);
    },
  });
  const { came, timing } = await openSender(t)(receiver.url);
  assert.equal(came, 200);
  assert.equal(phases(timing), 'connect, first byte');
  const { firstByteMs } = timing;
  assert.ok(firstByteMs !== null && firstByteMs >= SLOW_MS - EARLY_MS && firstByteMs < 3 * SLOW_MS, `${firstByteMs}`);
});

test('a name is looked up, an address is not', async (t) => {
  const receiver = await startHostileReceiver(t, answering);
  const send = openSender(t);
  assert.equal(phases((await send(`http://localhost:${receiver.url.port}/`)).timing), 'dns, connect, first byte');
  assert.equal(phases((await send(`http://127.0.0.1:${receiver.url.port}/`)).timing), 'connect, first byte');
});

test('a connection that was used before takes no time to be made', async (t) => {
  const receiver = await startHostileReceiver(t, answering);
  const send = openSender(t);
  const seen: string[] = [];
  for (let i = 0; i < 3; i++) {
    seen.push(phases((await send(receiver.url)).timing));
    await eventLoopRound();
  }
  assert.deepEqual(seen, ['connect, first byte', 'first byte', 'first byte']);
  assert.equal(receiver.sockets.length, 1);
});

test('requests at one time are timed by the connection that each of them made', async (t) => {
  const receiver = await startHostileReceiver(t, answering);
  const send = openSender(t);
  const replies = await Promise.all(Array.from({ length: 5 }, () => send(receiver.url)));
  assert.deepEqual(new Set(replies.map(({ timing }) => phases(timing))), new Set(['connect, first byte']));
  assert.equal(receiver.sockets.length, 5);
});

test('a phase is over before the next one begins', async (t) => {
  const receiver = await startHostileReceiver(t, answering);
  let looks = 0;
  const send = openSender(t, { ...systemClock, monotonic: () => (looks += 1) });
  // Each look at the clock is one millisecond later: began, connected, requested, first byte.
  const { dnsMs, ...timing } = (await send(receiver.url)).timing;
  assert.deepEqual(timing, { connectMs: 1, tlsMs: null, firstByteMs: 1 });
  assert.equal(dnsMs, null);
});

test('a connection that turns out to be closed is made anew, and that is measured', async (t) => {
  const receiver = await startHostileReceiver(t, answering);
  const send = openSender(t);
  await send(receiver.url);
  await eventLoopRound();
  // Closed, and the sender has no chance to notice before it wants to use it.
  receiver.sockets[0]?.end();
  const { came, timing } = await send(receiver.url);
  assert.equal(came, 200);
  assert.equal(phases(timing), 'connect, first byte');
  assert.equal(receiver.sockets.length, 2);
});

test('an exchange that fails tells the phases that it came through', async (t) => {
  const send = openSender(t);
  const silent = await startHostileReceiver(t, {});
  const unanswered = await send(silent.url, SLOW_MS);
  assert.deepEqual([unanswered.came, phases(unanswered.timing)], ['timeout', 'connect']);

  const resetting = await startHostileReceiver(t, { requested: (socket) => socket.resetAndDestroy() });
  const reset = await send(resetting.url);
  assert.deepEqual([reset.came, phases(reset.timing)], ['connection_reset', 'connect']);

  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const refused = await send(`http://localhost:${port}/`);
  assert.deepEqual([refused.came, phases(refused.timing)], ['connection_refused', 'dns']);

  const unresolved = await send('http://receiver.invalid/');
  assert.deepEqual([unresolved.came, phases(unresolved.timing)], ['dns', '']);
  const forbidden = await send('http://10.0.0.1/');
  assert.deepEqual([forbidden.came, phases(forbidden.timing)], ['address_refused', '']);
  const late = await send(silent.url, -1);
  assert.deepEqual([late.came, phases(late.timing)], ['timeout', '']);
});

test('the TLS handshake is a phase of its own: one that is slow, one that never ends', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'broxi-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { key, cert } = makeThrowawayCertificate(folder);
  const known = getCACertificates();
  setDefaultCACertificates([...known, cert]);
  t.after(() => setDefaultCACertificates(known));
  const server = createTlsServer({ key, cert }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(OK));
  });
  const slow = createServer((socket) => void setTimeout(() => server.emit('connection', socket), SLOW_MS));
  slow.listen(0, '127.0.0.1');
  await once(slow, 'listening');
  t.after(() => slow.close());
  const { port } = slow.address() as AddressInfo;
  const send = openSender(t);
  const { came, timing } = await send(`https://127.0.0.1:${port}/`);
  assert.deepEqual([came, phases(timing)], [200, 'connect, tls, first byte']);
  assert.ok((timing.tlsMs ?? 0) >= SLOW_MS - EARLY_MS && (timing.connectMs ?? SLOW_MS) < SLOW_MS, `${timing.tlsMs}`);

  const never = await startHostileReceiver(t, {});
  const stalled = await send(`https://localhost:${never.url.port}/`, SLOW_MS);
  assert.deepEqual([stalled.came, phases(stalled.timing)], ['timeout', 'dns, connect']);
});

test('phases are whole milliseconds, rounded down', () => {
  const steps = { beganAt: 10, resolvedAt: 12.9, connectedAt: 13.8, securedAt: 15.7 };
  assert.deepEqual(timingOf(steps, 15.8, 16.8), { dnsMs: 2, connectMs: 0, tlsMs: 1, firstByteMs: 1 });
  assert.equal(timingOf({ ...steps, resolvedAt: null }, null, null).connectMs, 3);
});
