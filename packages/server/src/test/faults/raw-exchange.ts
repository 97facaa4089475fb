import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { TEST_API_KEY } from '../start-server.ts';

/** What came back over a connection. */
export interface RawAnswer {
  /** 0: the connection was closed without an answer. */
  status: number;
  contentType: string;
  body: string;
  /** The server closed the connection, or answered, within the time given. */
  inTime: boolean;
}

export interface RawOptions {
  url: string;
  /** Written one after the other, with a pause between them. */
  parts: readonly (string | Buffer)[];
  /** Default 0. */
  pauseMs?: number;
  /** Says that nothing more comes, while it still listens for the answer. */
  halfClose?: boolean;
  /** Default 5 s. */
  timeoutMs?: number;
}

/** Sends bytes as they are over a connection of their own, and reads one answer. Never rejects. */
export function exchangeRaw({ url, parts, pauseMs = 0, halfClose = false, timeoutMs = 5_000 }: RawOptions) {
  return new Promise<RawAnswer>((resolve) => {
    const { hostname, port } = new URL(url);
    let received = '';
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const finish = (inTime: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...readAnswer(received), inTime });
    };
    const timer = setTimeout(finish, timeoutMs, false);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (isComplete(received)) finish(true);
    });
    // A server that refuses what is still being sent may reset the connection behind its answer.
    socket.on('error', () => finish(true));
    socket.on('end', () => finish(true));
    socket.on('connect', async () => {
      for (const [i, part] of parts.entries()) {
        if (i > 0) await pause(pauseMs);
        if (socket.destroyed) return;
        socket.write(part);
      }
      if (halfClose) socket.end();
    });
  });
}

/** A request with the usual headers. @param headers replace these, or are left out where undefined */
export function rawRequest(
  method: string,
  path: string,
  { body = '', headers = {} }: { body?: string | Buffer; headers?: Record<string, string | undefined> },
): Buffer {
  const all: Record<string, string | undefined> = {
    host: 'faults',
    authorization: `Bearer ${TEST_API_KEY}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]));
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'),
    Buffer.from(body),
  ]);
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, Math.max(0, end)))?.[1];
  return length !== undefined && Buffer.byteLength(text.slice(end + 4)) >= Number(length);
}

function readAnswer(text: string): Omit<RawAnswer, 'inTime'> {
  const end = text.indexOf('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
    contentType: /^content-type: *([^\r;]*)/im.exec(text)?.[1] ?? '',
    body: end < 0 ? '' : text.slice(end + 4),
  };
}
