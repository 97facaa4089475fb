import { gzipSync } from 'node:zlib';
import { rawRequest } from './raw-exchange.ts';

/** A request that no honest client sends, and the answer that it must get. */
export interface HostileRequest {
  about: string;
  parts: readonly (string | Buffer)[];
  pauseMs?: number;
  halfClose?: boolean;
  /** 0: none, the connection is closed. */
  status: number;
  /** The answer comes while the request is still being sent: a sender that has no ear for it finds a closed connection. */
  mayMissAnswer?: boolean;
  /** Paths that the problem names: those of a 422. */
  paths?: readonly string[];
}

const VALID = '{"event":"workflow.started","data":{"workflow_id":"w","run_id":"r"}}';
const MANY = 10 * 1024 * 1024;
const withData = (member: string) => `{"event":"workflow.started","data":{"workflow_id":"w","run_id":"r",${member}}}`;
const post = (body: string | Buffer, headers: Record<string, string | undefined> = {}) =>
  rawRequest('POST', '/v1/events', { body, headers });
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

const bodies: [about: string, body: string | Buffer, status: number, paths?: string[]][] = [
  ['no body', '', 422, ['']],
  ['JSON that ends too soon', '{"event":', 400],
  ['bytes that are no UTF-8', Buffer.from('{"event":"\xff"}', 'latin1'), 400],
  ['wrong types', '{"event":1,"data":[]}', 422, ['event', 'data']],
  ['an array', '[]', 422, ['']],
  ['an unknown field', `${VALID.slice(0, -1)},"evnt":1}`, 422, ['evnt']],
  ['an integer beyond 2^53', withData('"n":9007199254740993'), 422, ['data.n']],
  ['a number beyond a double', withData('"n":1e400'), 422, ['data.n']],
  ['a key that comes twice', withData('"a":1,"a":2'), 422, ['data.a']],
  ['half a surrogate pair', withData('"a":"\\ud800"'), 422, ['data.a']],
  ['nesting of 100,000 levels', withData(`"a":${nested(100_000)}`), 422],
  ['a body of 300 KB', withData(`"a":"${'x'.repeat(300_000)}"`), 413],
  ['a key that names a prototype', withData('"__proto__":{"event":1}'), 202],
];

export const HOSTILE_REQUESTS: readonly HostileRequest[] = [
  ...bodies.map(([about, body, status, paths]) => ({
    about,
    parts: [post(body)],
    status,
    ...(paths ? { paths } : {}),
  })),
  { about: 'a body of 10 MB', parts: [post('x'.repeat(MANY))], status: 413, mayMissAnswer: true },
  { about: '10 MB without a length', parts: [unmeasured(MANY)], status: 413, mayMissAnswer: true },
  { about: 'text instead of JSON', parts: [post(VALID, { 'content-type': 'text/plain' })], status: 415 },
  { about: 'no content type', parts: [post(VALID, { 'content-type': undefined })], status: 415 },
  { about: 'a compressed body', parts: [post(gzipSync(VALID), { 'content-encoding': 'gzip' })], status: 400 },
  { about: 'no key', parts: [post(VALID, { authorization: undefined })], status: 401 },
  { about: 'a key of 8 KB', parts: [post(VALID, { authorization: `Bearer ${'k'.repeat(8192)}` })], status: 401 },
  { about: 'a header of 100 KB', parts: [post(VALID, { 'x-long': 'x'.repeat(100_000) })], status: 431 },
  { about: '20,000 headers', parts: [post(VALID, manyHeaders(20_000))], status: 431 },
  { about: 'a path of 100 KB', parts: [rawRequest('GET', `/${'a'.repeat(100_000)}`, {})], status: 431 },
  { about: 'a path that cannot be decoded', parts: [rawRequest('GET', '/v1/events/%zz', {})], status: 400 },
  { about: 'no HTTP', parts: ['\u0016\u0003\u0001\u0002\u0000\u0001'], status: 400 },
  { about: 'two lengths', parts: [post(VALID, { 'transfer-encoding': 'chunked' })], status: 400 },
  { about: 'a length that is no number', parts: [post(VALID, { 'content-length': '-1' })], status: 400 },
  { about: 'a chunk size that is no number', parts: [chunked('zz\r\n')], status: 400 },
  { about: 'a body that comes slowly', parts: inPieces(post(VALID), 10), pauseMs: 50, status: 202 },
  // Node drops a connection whose other end says that it is done, unless the answer was there before that was seen: the event is in
  // doubt, as after any lost connection.
  {
    about: 'a whole request, then half-closed',
    parts: [post(VALID)],
    halfClose: true,
    status: 202,
    mayMissAnswer: true,
  },
  { about: 'half a body, then half-closed', parts: [post(VALID).subarray(0, -20)], halfClose: true, status: 400 },
  { about: 'half of its headers, then half-closed', parts: ['POST /v1/events HT'], halfClose: true, status: 400 },
];

function unmeasured(bytes: number): Buffer {
  return chunked(`${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`);
}

function chunked(chunks: string): Buffer {
  const head = post('', { 'content-length': undefined, 'transfer-encoding': 'chunked' });
  return Buffer.concat([head, Buffer.from(chunks)]);
}

function manyHeaders(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, '1']));
}

function inPieces(bytes: Buffer, count: number): Buffer[] {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
