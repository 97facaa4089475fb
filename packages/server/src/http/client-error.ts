import type { Socket } from 'node:net';
import { problemOf } from './error-handler.ts';

/** Statuses for what Node's parser refuses before there is a request; anything else of the kind is 400. */
const STATUS: Readonly<Record<string, { status: number; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The headers are too large: at most 16 KiB in all.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not arrive in time.' },
};

/** Answers a problem document on a connection whose request cannot be read, and closes it. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, detail } = STATUS[error.code ?? ''] ?? { status: 400, detail: 'This is not a valid HTTP request.' };
  const problem = problemOf({ status, code: 'invalid_request', detail });
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${status} ${problem.title}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
