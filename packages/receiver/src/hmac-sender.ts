import crypto from 'node:crypto';
import { hmacSha256 } from './hmac-node.ts';
import type { SignatureStep } from './signature-plan.ts';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Before the body: one block of key, and a prefix, which holds a delivery id and a timestamp. */
const HEAD_BYTES = BLOCK_BYTES + 512;
/** Of larger ones the hash is most of the work, and there is nothing to win. */
const LARGEST_BODY_BYTES = 64 * 1024;
/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const LONGEST_CHARACTER = 3;

/** One-shot hashes are newer than the oldest Node that this package runs on (20.12). */
const hash: typeof crypto.hash | undefined = crypto.hash;

const message = Buffer.alloc(HEAD_BYTES + LARGEST_BODY_BYTES);

/** A key, and the blocks that begin the two hashes of RFC 2104. */
export interface HmacKey {
  bytes: Uint8Array;
  inner: Uint8Array;
  /** With room for the inner digest. */
  outer: Buffer;
}

export function prepareKey(bytes: Uint8Array): HmacKey {
  const short = bytes.length > BLOCK_BYTES ? crypto.createHash('sha256').update(bytes).digest() : bytes;
  const inner = new Uint8Array(BLOCK_BYTES).fill(INNER_PAD);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES).fill(OUTER_PAD, 0, BLOCK_BYTES);
  for (const [i, byte] of short.entries()) {
    inner[i] = byte ^ INNER_PAD;
    outer[i] = byte ^ OUTER_PAD;
  }
  return { bytes, inner, outer };
}

/**
 * The HMAC-SHA256 of one body under several keys and prefixes, by two one-shot hashes each (RFC 2104): a `Hmac` object costs
 * more than what it hashes, and reads the body anew for each signature.
 */
export function hmacsOf(steps: readonly SignatureStep<HmacKey>[], body: string | Uint8Array): string[] {
  const most = typeof body === 'string' ? body.length * LONGEST_CHARACTER : body.length;
  if (hash === undefined || most > LARGEST_BODY_BYTES) {
    return steps.map(({ key, prefix, encoding }) => hmacSha256(key.bytes, prefix, body, encoding));
  }
  const end = HEAD_BYTES + putBody(body);
  return steps.map(({ key, prefix, encoding }) => {
    const begin = HEAD_BYTES - prefix.length - BLOCK_BYTES;
    message.set(key.inner, begin);
    message.write(prefix, begin + BLOCK_BYTES, 'latin1');
    key.outer.write(hash('sha256', message.subarray(begin, end), 'binary'), BLOCK_BYTES, 'latin1');
    return hash('sha256', key.outer, encoding);
  });
}

function putBody(body: string | Uint8Array): number {
  if (typeof body === 'string') return message.write(body, HEAD_BYTES, 'utf8');
  message.set(body, HEAD_BYTES);
  return body.length;
}
