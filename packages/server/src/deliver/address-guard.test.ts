import assert from 'node:assert/strict';
import dns, { type LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, Socket } from 'node:net';
import { mock, type TestContext, test } from 'node:test';
import { systemClock } from '../clock.ts';
import { type AddressPolicy, createAddressPolicy } from '../domain/public-address.ts';
import { startHostileReceiver } from '../test/hostile-receiver.ts';
import { createGuardedAgent } from './address-guard.ts';
import { createSendRequest } from './send-request.ts';

/** What a name server says; `null`: as the machine's own resolver does. */
let resolves: readonly string[] | null = null;
const realLookup = dns.lookup;
const fakeLookup = (hostname: string, options: dns.LookupAllOptions, done: LookupDone) => {
  if (resolves === null) return realLookup(hostname, options, done);
  const addresses = resolves.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  process.nextTick(done, null, addresses);
};
type LookupDone = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
mock.method(dns, 'lookup', fakeLookup);
syncBuiltinESMExports();

const NONE = createAddressPolicy({ allowNetworks: [] });
const EVERYTHING = createAddressPolicy({ allowNetworks: ['0.0.0.0/0', '::/0'] });
const LOOPBACK = createAddressPolicy({ allowNetworks: [], allowLoopback: true });

/** Asks for a URL under a policy. @returns `answered 200`, or what failed and why */
async function ask(t: TestContext, url: string, policy: AddressPolicy): Promise<string> {
  const agent = createGuardedAgent(policy);
  t.after(() => agent.destroy());
  const send = createSendRequest(agent, systemClock);
  const deadline = systemClock.monotonic() + 5_000;
  const { result } = await send({ url: new URL(url), headers: [], body: '{}', deadline, maxAnswerBytes: 100 });
  return result.kind === 'answered' ? `answered ${result.status}` : `${result.failure}: ${result.message}`;
}

/** A receiver on loopback, that counts who reached it. */
async function startReceiver(t: TestContext, host = '127.0.0.1'): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server: Server = createServer((_request, response) => response.end()).on('connection', () => {
    connections += 1;
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    resolves = null;
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

test('literals of this machine and private networks are not connected to, however they are written', async (t) => {
  const { port, connections } = await startReceiver(t);
  const connected = mock.method(Socket.prototype, 'connect');
  for (const host of [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f.0.0.1', '0177.0.0.1', '0', '127.0.0.1.'],
    ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:0:0:1]', '[64:ff9b::7f00:1]'],
    ...['10.0.0.1', '192.168.1.1', '172.16.0.1', '169.254.1.1', '100.64.0.1', '[fe80::1]', '[fd00::1]', '[fec0::1]'],
    ...['169.254.169.254', '[fd00:ec2::254]', '[::ffff:169.254.169.254]', '224.0.0.1', '255.255.255.255'],
  ]) {
    assert.match(await ask(t, `http://${host}:${port}/`, NONE), /^address_refused: \S+ is (an?|the) /, host);
  }
  assert.equal(connected.mock.callCount(), 0);
  connected.mock.restore();
  assert.equal(connections(), 0);
});

test('the reason names the address and what it is for', async (t) => {
  assert.equal(
    await ask(t, 'http://0x7f.1/', NONE),
    'address_refused: 127.0.0.1 is a loopback address, which means this machine',
  );
  assert.equal(await ask(t, 'https://10.1.2.3/', NONE), 'address_refused: 10.1.2.3 is an address of a private network');
});

test('a name is refused for what it resolves to: by the machine, or by a name server that lies', async (t) => {
  const { port, connections } = await startReceiver(t);
  assert.match(await ask(t, `http://localhost:${port}/`, NONE), /^address_refused: localhost resolves to /);
  for (const addresses of [
    ['127.0.0.1'],
    ['::1'],
    ['10.0.0.1', '192.168.0.1'],
    ['::ffff:127.0.0.1'],
    ['169.254.169.254'],
  ]) {
    resolves = addresses;
    assert.equal(
      await ask(t, `http://receiver.example:${port}/`, NONE),
      `address_refused: receiver.example resolves to what must not be reached: ${NONE.refuses(addresses[0] ?? '')}`,
    );
  }
  assert.equal(connections(), 0);
});

test('of several addresses only the allowed ones are tried', async (t) => {
  const { port, connections } = await startReceiver(t);
  resolves = ['10.0.0.1', '169.254.169.254', '127.0.0.1'];
  const connected = mock.method(Socket.prototype, 'connect');
  assert.equal(await ask(t, `http://receiver.example:${port}/`, LOOPBACK), 'answered 200');
  connected.mock.restore();
  assert.equal(connections(), 1);
});

test('the peer is checked before anything is written, whatever the look-up said', async (t) => {
  const receiver = await startHostileReceiver(t, {});
  resolves = ['127.0.0.1'];
  // Public while it is looked up, and private once it is connected: as when something between redirects the connection.
  let questions = 0;
  const turning: AddressPolicy = {
    refuses: (ip) => (questions++ === 0 ? null : `${ip} is not what it was`),
  };
  const outcome = await ask(t, `http://receiver.example:${receiver.url.port}/`, turning);
  resolves = null;
  assert.equal(outcome, 'address_refused: 127.0.0.1 is not what it was');
  await receiver.closed(0);
  assert.deepEqual(receiver.received, ['']);
});

test('allowed networks are reached, by literal and by name; others stay shut', async (t) => {
  const { port, connections } = await startReceiver(t);
  const policy = createAddressPolicy({ allowNetworks: ['127.0.0.0/8'] });
  assert.equal(await ask(t, `http://127.0.0.1:${port}/`, policy), 'answered 200');
  assert.equal(await ask(t, `http://[::ffff:127.0.0.1]:${port}/`, policy), 'answered 200');
  resolves = ['127.0.0.1'];
  assert.equal(await ask(t, `http://receiver.example:${port}/`, policy), 'answered 200');
  assert.equal(connections(), 3);
  assert.match(await ask(t, `http://10.0.0.1:${port}/`, policy), /^address_refused/);
  assert.match(await ask(t, `http://[::1]:${port}/`, policy), /^address_refused/);
});

test('cloud metadata stays shut even where everything is allowed', async (t) => {
  for (const host of ['169.254.169.254', '[fd00:ec2::254]', '[::ffff:a9fe:a9fe]', '100.100.100.200']) {
    assert.match(await ask(t, `http://${host}/`, EVERYTHING), /^address_refused: .*metadata service/, host);
  }
  resolves = ['169.254.169.254'];
  assert.match(await ask(t, 'http://metadata.example/', EVERYTHING), /^address_refused: .*metadata service/);
  resolves = null;
});

test('a name that does not resolve is dns', async (t) => {
  assert.match(await ask(t, 'http://receiver.invalid/', LOOPBACK), /^dns: the host name could not be resolved/);
});
