import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** A receiver that behaves badly, and what the server must make of it. */
export interface HostileReceiver {
  about: string;
  scheme?: 'https';
  /** Called for each connection. Null: connections are never accepted. */
  behave: ((socket: Socket) => void) | null;
  outcome: 'delivered' | 'retryable' | 'permanent';
  reason: RegExp | null;
  /** Whether the attempt lasts until the webhook's timeout. */
  usesUpTimeout?: true;
  /** What it asks for with Retry-After, seconds. */
  retryAfter?: number;
}

const ok = (more: string) => `HTTP/1.1 200 OK\r\n${more}`;
const empty = (status: string, header = '') => `HTTP/1.1 ${status}\r\n${header}content-length: 0\r\n\r\n`;
const afterRequest = (answer: (socket: Socket) => void) => (socket: Socket) =>
  void socket.once('data', () => answer(socket));
const answering = (text: string) => afterRequest((socket) => void socket.write(text));

/** @param forbiddenUrl where nothing may ever be sent */
export function hostileReceivers(forbiddenUrl: string): HostileReceiver[] {
  const reset = {
    outcome: 'retryable',
    reason: /^connection_reset: the connection was closed before the answer/,
  } as const;
  const late = { outcome: 'retryable', usesUpTimeout: true } as const;
  const malformed = { outcome: 'retryable', reason: /^malformed_response: \w/ } as const;
  return [
    { about: 'resets at once', behave: (socket) => void socket.resetAndDestroy(), ...reset },
    { about: 'resets after the request', behave: afterRequest((socket) => void socket.resetAndDestroy()), ...reset },
    { about: 'closes without an answer', behave: afterRequest((socket) => void socket.end()), ...reset },
    {
      about: 'closes in the middle of the answer',
      behave: afterRequest((socket) => void socket.end(ok('content-length: 100\r\n\r\nhalf'))),
      ...reset,
    },
    {
      about: 'never accepts the connection',
      behave: null,
      ...late,
      reason: /^timeout: no connection within the timeout$/,
    },
    { about: 'never answers', behave: () => {}, ...late, reason: /^timeout: no answer within the timeout$/ },
    {
      about: 'drips its headers',
      behave: afterRequest((socket) => drip(socket, ok('x-drip: ')[Symbol.iterator]())),
      ...late,
      reason: /^timeout: no answer within the timeout$/,
    },
    {
      about: 'drips its body',
      behave: afterRequest((socket) => {
        socket.write(ok('content-length: 1000\r\n\r\n'));
        drip(socket, 'drop by drop'[Symbol.iterator]());
      }),
      ...late,
      reason: /^timeout: the answer 200 was not complete within the timeout$/,
    },
    { about: 'answers 200 with an endless body', behave: afterRequest(pour), outcome: 'delivered', reason: null },
    { about: 'answers garbage', behave: answering('\u0000\u0001 garbage \r\n\r\n'), ...malformed },
    {
      about: 'answers 1 MB of headers',
      behave: answering(ok(`x-long: ${'x'.repeat(1024 * 1024)}\r\n\r\n`)),
      ...malformed,
    },
    {
      about: 'answers garbage to a TLS handshake',
      scheme: 'https',
      behave: answering('SSH-2.0-OpenSSH_9.9\r\n'),
      outcome: 'retryable',
      reason: /^tls: the TLS handshake failed.* \(ERR_SSL_\w+\)$/,
    },
    {
      about: 'redirects to another address',
      behave: answering(empty('302 Found', `location: ${forbiddenUrl}\r\n`)),
      outcome: 'permanent',
      reason: /^answered 302: redirects are never followed$/,
    },
    {
      about: 'answers 500',
      behave: answering(empty('500 Internal Server Error')),
      outcome: 'retryable',
      reason: /^answered 500$/,
    },
    {
      about: 'answers 429 with Retry-After: 45',
      behave: answering(empty('429 Too Many Requests', 'retry-after: 45\r\n')),
      outcome: 'retryable',
      reason: /^answered 429$/,
      retryAfter: 45,
    },
  ];
}

/** @returns its URL, and how to end it */
export async function listen(
  receiver: Pick<HostileReceiver, 'behave' | 'scheme'>,
): Promise<{ url: string; close(): Promise<void> }> {
  const { behave, scheme = 'http' } = receiver;
  if (behave === null) return await listenDeaf();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // The other end gives up on purpose in most cases.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    behave(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A thread that listens and then stands still: the system's queue of connections is filled, and takes no more. */
async function listenDeaf(): Promise<{ url: string; close(): Promise<void> }> {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const thread = new Worker(source, { eval: true });
  const [port] = (await once(thread, 'message')) as [number];
  const fillers: Socket[] = [];
  for (let isFull = false; !isFull; ) {
    const filler = connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    isFull = await Promise.race([
      once(filler, 'connect').then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 200, true)),
    ]);
  }
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      for (const filler of fillers) filler.destroy();
      await thread.terminate();
    },
  };
}

const DRIP_MS = 200;

function drip(socket: Socket, characters: Iterator<string>): void {
  const timer = setInterval(() => void socket.write(characters.next().value ?? '.'), DRIP_MS);
  socket.on('close', () => clearInterval(timer));
}

/** As much as the other end takes. */
function pour(socket: Socket): void {
  const chunk = 'x'.repeat(16 * 1024);
  socket.write(ok('content-type: text/plain\r\n\r\n'));
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}
