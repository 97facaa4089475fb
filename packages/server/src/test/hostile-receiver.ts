import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A TCP server that does with each connection what a test says. */
export interface HostileReceiver {
  url: URL;
  /** In the order in which they came. */
  readonly sockets: Socket[];
  /** What each connection brought so far, decoded as Latin-1. */
  readonly received: string[];
  /** Resolves when that connection is closed, by either side. */
  closed(connection: number): Promise<void>;
}

export interface HostileBehaviour {
  /** As soon as there is a connection. */
  connected?(socket: Socket): void;
  /** Each time a request is complete: its headers, and as many bytes of body as they announce. */
  requested?(socket: Socket, request: number): void;
}

/** Listens on 127.0.0.1 until the test ends. */
export async function startHostileReceiver(
  t: TestContext,
  { connected = () => {}, requested = () => {} }: HostileBehaviour,
): Promise<HostileReceiver> {
  const sockets: Socket[] = [];
  const received: string[] = [];
  const closings: PromiseWithResolvers<void>[] = [];
  const closing = (connection: number) => (closings[connection] ??= Promise.withResolvers<void>());
  let requests = 0;
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1;
    received.push('');
    let open = '';
    // A reset is what many of these tests are about.
    socket.on('error', () => {});
    socket.on('close', () => closing(connection).resolve());
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      received[connection] += text;
      open += text;
      for (let end = endOfRequest(open); end !== null; end = endOfRequest(open)) {
        open = open.slice(end);
        requests += 1;
        requested(socket, requests);
      }
    });
    connected(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/hook?x=1`), sockets, received, closed: (i) => closing(i).promise };
}

/** Where the first request of `text` ends; null if it is not complete. */
function endOfRequest(text: string): number | null {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return null;
  const announced = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head));
  const end = head + 4 + Number(announced?.[1] ?? 0);
  return text.length >= end ? end : null;
}
