import { createHmac } from 'node:crypto';
import type { SignatureEncoding } from './signature.ts';

/** `HmacSha256` on node:crypto: Node 18 has no global Web Crypto, and a sender wants no promise per signature. */
export function hmacSha256(
  key: Uint8Array,
  prefix: string,
  body: string | Uint8Array,
  encoding: SignatureEncoding,
): string {
  return createHmac('sha256', key).update(prefix).update(body).digest(encoding);
}
