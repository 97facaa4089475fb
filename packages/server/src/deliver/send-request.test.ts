import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../clock.ts';
import type { ExchangeResult } from '../domain/attempt.ts';
import { createAddressPolicy } from '../domain/public-address.ts';
import { startHostileReceiver } from '../test/hostile-receiver.ts';
import { createGuardedAgent } from './address-guard.ts';
import { createSendRequest, MAX_ANSWER_BYTES, type OutgoingRequest } from './send-request.ts';

/* Real sockets and real time: receivers that do what they should not, and how long that may take. */

const BODY = '{"text":"Grüße"}';

/** Far from any deadline, and far below the runner's own limit. */
const SOON_MS = 5_000;
/** A timer of Node counts from the last turn of the event loop, and so may be some milliseconds early. */
const TIMEOUT_MS = 150;

function openSender(t: TestContext) {
  const agent = createGuardedAgent(createAddressPolicy({ allowNetworks: [], allowLoopback: true }));
  t.after(() => agent.destroy());
  const send = createSendRequest(agent, systemClock);
  return async (url: URL, { timeoutMs = SOON_MS, ...rest }: Partial<OutgoingRequest> & { timeoutMs?: number } = {}) => {
    const { result } = await send({
      url,
      headers: ['content-type', 'application/json', 'X-Own', 'Grüße'],
      body: BODY,
      deadline: systemClock.monotonic() + timeoutMs,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      ...rest,
    });
    return result;
  };
}

/** @returns the answer, and how long it took */
async function timed(exchange: Promise<ExchangeResult>): Promise<{ result: ExchangeResult; tookMs: number }> {
  const started = performance.now();
  const result = await exchange;
  return { result, tookMs: performance.now() - started };
}

const failed = (result: ExchangeResult) => (result.kind === 'failed' ? result.failure : `answered ${result.status}`);

test('sends one POST with exactly what it was given, and hands back the answer as it came', async (t) => {
  const send = openSender(t);
  const receiver = await startHostileReceiver(t, {
    requested: (socket) =>
      socket.write(
        'HTTP/1.1 201 Created\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 6\r\n\r\nGr\xc3\xbc\xc3\x9f',
        'latin1',
      ),
  });
  assert.deepEqual(await send(receiver.url), {
    kind: 'answered',
    status: 201,
    headers: ['X-Two', 'a', 'x-two', 'b', 'Content-Length', '6'],
    body: 'Grüß',
    truncated: false,
  });
  const [head = '', body = ''] = receiver.received[0]?.split('\r\n\r\n') ?? [];
  const [line, ...headers] = head.split('\r\n');
  assert.equal(line, 'POST /hook?x=1 HTTP/1.1');
  assert.deepEqual(headers.map((header) => header.toLowerCase()).sort(), [
    'connection: keep-alive',
    'content-length: 18',
    'content-type: application/json',
    `host: ${receiver.url.host}`,
    'x-own: grüße',
  ]);
  assert.equal(Buffer.from(body, 'latin1').toString('utf8'), BODY);
});

/** What a receiver writes once the request is there, before it closes the connection; and what that comes to. */
const WRITTEN: readonly (readonly [name: string, written: string, outcome: string])[] = [
  ['nothing', '', 'connection_reset'],
  ['half of a head', 'HTTP/1.1 200 OK\r\nContent-', 'connection_reset'],
  ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n', 'malformed_response'],
  ['a broken status line', 'HTTP/1.1 abc OK\r\n\r\n', 'malformed_response'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'malformed_response'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', 'malformed_response'],
  ['less than announced', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'connection_reset'],
  ['more than announced', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcdef', 'answered 200'],
  [
    'a broken chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n',
    'malformed_response',
  ],
  ['no last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 'connection_reset'],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 'answered 200'],
  ['headers of 20 KB', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 'malformed_response'],
  ['a thousand headers', `HTTP/1.1 200 OK\r\n${'X-A: 0123456789\r\n'.repeat(2000)}\r\n`, 'malformed_response'],
  [
    'early hints',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'answered 200',
  ],
  ['HTTP/1.0, up to the close', 'HTTP/1.0 200 OK\r\n\r\nuntil the end', 'answered 200'],
  [
    'a redirect',
    'HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
    'answered 307',
  ],
  ['an error', 'HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops', 'answered 500'],
];

for (const [name, written, outcome] of WRITTEN) {
  test(`a receiver that writes ${name}: ${outcome}`, async (t) => {
    const send = openSender(t);
    const receiver = await startHostileReceiver(t, { requested: (socket) => socket.end(written, 'latin1') });
    const result = await send(receiver.url);
    assert.equal(failed(result), outcome, JSON.stringify(result));
    assert.equal(receiver.sockets.length, 1, 'one request, never another one');
    if (result.kind === 'failed') assert.ok(result.message.length > 10);
  });
}

test('a switch of protocols that nobody asked for is no answer', async (t) => {
  const send = openSender(t);
  const receiver = await startHostileReceiver(t, {
    requested: (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  });
  assert.equal(failed(await send(receiver.url)), 'connection_reset');
});

test('resets: at once, after the request, in the middle of the answer', async (t) => {
  const send = openSender(t);
  const atOnce = await startHostileReceiver(t, { connected: (socket) => socket.resetAndDestroy() });
  assert.equal(failed(await send(atOnce.url)), 'connection_reset');
  const afterwards = await startHostileReceiver(t, { requested: (socket) => socket.resetAndDestroy() });
  assert.equal(failed(await send(afterwards.url)), 'connection_reset');
  const between = await startHostileReceiver(t, {
    requested: (socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', () =>
        setImmediate(() => socket.resetAndDestroy()),
      ),
  });
  assert.equal(failed(await send(between.url)), 'connection_reset');
});

test('nothing listens: connection_refused', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  assert.deepEqual(await openSender(t)(new URL(`http://127.0.0.1:${port}/`)), {
    kind: 'failed',
    failure: 'connection_refused',
    message: 'nothing listens at this address and port (ECONNREFUSED)',
  });
});

test('https to a server that speaks plain HTTP: tls', async (t) => {
  const receiver = await startHostileReceiver(t, {
    connected: (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  });
  const result = await openSender(t)(new URL(`https://127.0.0.1:${receiver.url.port}/`));
  assert.equal(failed(result), 'tls');
});

test('a receiver that never answers costs the timeout and no more, and its connection is dropped', async (t) => {
  const receiver = await startHostileReceiver(t, {});
  const { result, tookMs } = await timed(openSender(t)(receiver.url, { timeoutMs: TIMEOUT_MS }));
  assert.deepEqual(result, { kind: 'failed', failure: 'timeout', message: 'no answer within the timeout' });
  assert.ok(tookMs > TIMEOUT_MS - 50 && tookMs < TIMEOUT_MS + 800, `${tookMs} ms`);
  await receiver.closed(0);
});

test('an answer that drips does not outlast the timeout: in its head, in its body, in hints without end', async (t) => {
  const drips = [
    { first: 'HTTP/1.1 200 OK\r\n', drip: 'X', message: 'no answer within the timeout' },
    {
      first: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n',
      drip: 'x',
      message: 'the answer 200 was not complete within the timeout',
    },
    { first: '', drip: 'HTTP/1.1 103 Early Hints\r\n\r\n', message: 'no answer within the timeout' },
  ];
  const send = openSender(t);
  await Promise.all(
    drips.map(async ({ first, drip, message }) => {
      const receiver = await startHostileReceiver(t, {
        requested(socket) {
          socket.write(first);
          const timer = setInterval(() => socket.write(drip), 10);
          socket.on('close', () => clearInterval(timer));
        },
      });
      const { result, tookMs } = await timed(send(receiver.url, { timeoutMs: 2 * TIMEOUT_MS }));
      assert.deepEqual(result, { kind: 'failed', failure: 'timeout', message });
      assert.ok(tookMs > 2 * TIMEOUT_MS - 50 && tookMs < 2 * TIMEOUT_MS + 800, `${tookMs} ms`);
      await receiver.closed(0);
    }),
  );
});

test('of an endless answer 16 KiB are kept, its status counts, and the connection is dropped', async (t) => {
  const send = openSender(t);
  for (const status of [200, 500]) {
    let written = 0;
    const receiver = await startHostileReceiver(t, {
      requested(socket) {
        socket.write(`HTTP/1.1 ${status} X\r\nContent-Type: text/plain\r\n\r\n`);
        const more = () => {
          while (!socket.destroyed && socket.write('x'.repeat(1000))) written += 1000;
        };
        socket.on('drain', more);
        more();
      },
    });
    const result = await send(receiver.url);
    assert.ok(result.kind === 'answered' && result.truncated);
    assert.equal(result.status, status);
    assert.equal(result.body, 'x'.repeat(MAX_ANSWER_BYTES));
    await receiver.closed(0);
    assert.ok(written < 50_000_000);
  }
});

test('an answer of exactly 16 KiB is complete', async (t) => {
  const answer = 'y'.repeat(MAX_ANSWER_BYTES);
  const receiver = await startHostileReceiver(t, {
    requested: (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`),
  });
  const result = await openSender(t)(receiver.url);
  assert.ok(result.kind === 'answered' && !result.truncated && result.body === answer);
});

test('nothing is decompressed, and no compression is asked for', async (t) => {
  const packed = gzipSync('x'.repeat(100_000));
  const receiver = await startHostileReceiver(t, {
    requested(socket) {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`);
      socket.write(packed);
    },
  });
  const result = await openSender(t)(receiver.url);
  assert.ok(result.kind === 'answered' && result.body.length <= packed.length);
  assert.doesNotMatch(receiver.received[0] ?? '', /accept-encoding/i);
});

test('an answer that comes before the request was read counts', async (t) => {
  const receiver = await startHostileReceiver(t, {
    connected(socket) {
      socket.pause();
      setImmediate(() => socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
    },
  });
  const body = JSON.stringify('x'.repeat(4_000_000));
  assert.equal(failed(await openSender(t)(receiver.url, { body })), 'answered 413');
});

test('a connection is used again, and another one is opened after it was closed', async (t) => {
  const send = openSender(t);
  const receiver = await startHostileReceiver(t, {
    requested: (socket, request) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${request === 3 ? 'Connection: close\r\n' : ''}\r\n`),
  });
  for (let i = 0; i < 3; i++) {
    assert.equal(failed(await send(receiver.url)), 'answered 200');
    // A connection is free again when the event loop comes round, not within the answer.
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(receiver.sockets.length, 1);
  receiver.sockets[0]?.end();
  await receiver.closed(0);
  assert.equal(failed(await send(receiver.url)), 'answered 200');
  assert.equal(receiver.sockets.length, 2);
});

test('requests at one time go over connections of their own: one that hangs holds up no other', async (t) => {
  const send = openSender(t);
  const receiver = await startHostileReceiver(t, {
    requested: (socket, request) => request > 1 && socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  });
  const hung = send(receiver.url, { timeoutMs: 2 * TIMEOUT_MS });
  while (receiver.received[0] === undefined || !receiver.received[0].includes(BODY.slice(0, 8))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(failed(await send(receiver.url)), 'answered 200');
  assert.equal(failed(await hung), 'timeout');
});

test('a handshake that never ends holds up no other request to that origin', async (t) => {
  const send = openSender(t);
  const receiver = await startHostileReceiver(t, {});
  const url = new URL(`https://127.0.0.1:${receiver.url.port}/`);
  const results = await Promise.all([1, 2].map(() => send(url, { timeoutMs: TIMEOUT_MS })));
  assert.deepEqual(results.map(failed), ['timeout', 'timeout']);
  assert.equal(receiver.sockets.length, 2);
});

test('a connection that is still being made when the deadline comes is dropped', async (t) => {
  const receiver = await startHostileReceiver(t, {});
  const url = new URL(`https://127.0.0.1:${receiver.url.port}/`);
  const result = await openSender(t)(url, { timeoutMs: TIMEOUT_MS });
  assert.equal(result.kind === 'failed' && result.message, 'no connection within the timeout');
  await receiver.closed(0);
});

test('nothing is sent behind the deadline, not even over a connection that is open', async (t) => {
  const send = openSender(t);
  const receiver = await startHostileReceiver(t, {
    requested: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  });
  assert.equal(failed(await send(receiver.url)), 'answered 200');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await send(receiver.url, { timeoutMs: -1 }), {
    kind: 'failed',
    failure: 'timeout',
    message: 'no connection within the timeout',
  });
  assert.equal(failed(await send(receiver.url)), 'answered 200');
  assert.equal(receiver.received.join('').match(/POST/g)?.length, 2);
});
