import { encodeBase64, encodeHex } from './encoding.ts';
import type { HmacSha256 } from './hmac.ts';

const utf8 = new TextEncoder();

/** `HmacSha256` on Web Crypto, which only takes the whole message at once. */
export const hmacSha256: HmacSha256 = async (key, prefix, body, encoding) => {
  const { subtle } = globalThis.crypto;
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  // Copies, because Web Crypto refuses views of shared memory.
  const imported = await subtle.importKey('raw', Uint8Array.from(key), algorithm, false, ['sign']);
  const signature = new Uint8Array(await subtle.sign(algorithm.name, imported, concatenate(prefix, body)));
  return encoding === 'hex' ? encodeHex(signature) : encodeBase64(signature);
};

function concatenate(prefix: string, body: string | Uint8Array) {
  if (typeof body === 'string') return utf8.encode(prefix + body);
  const start = utf8.encode(prefix);
  const message = new Uint8Array(start.length + body.length);
  message.set(start);
  message.set(body, start.length);
  return message;
}
