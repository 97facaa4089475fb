import type { SigningKeys } from './secret.ts';

/**
 * How a request is signed, always with HMAC-SHA256:
 * - `standard`: `webhook-signature` over `id.timestamp.body`, base64 (Standard Webhooks 1.0);
 * - `timestamped`: `X-Broxi-Signature` over `timestamp.body`, lower-case hex;
 * - `body`: `X-Broxi-Signature` over the body alone, lower-case hex. Whoever records one request can send it again for ever.
 */
export type Scheme = 'standard' | 'timestamped' | 'body';

/** Every scheme, the preferred one first. */
export const schemes: readonly Scheme[] = ['standard', 'timestamped', 'body'];

/** What is signed along with the body, as it stands in the headers. */
export interface SignedFields {
  id: string;
  /** Unix seconds, in decimal digits. */
  timestamp: string;
}

/** The text that is signed is this, directly followed by the body. */
export function signedPrefix(scheme: Scheme, fields: SignedFields): string {
  switch (scheme) {
    case 'standard':
      return `${fields.id}.${fields.timestamp}.`;
    case 'timestamped':
      return `${fields.timestamp}.`;
    case 'body':
      return '';
  }
}

export function signingKey<Key>(scheme: Scheme, keys: SigningKeys<Key>): Key {
  return scheme === 'standard' ? keys.standardKey : keys.signatureKey;
}

export type SignatureEncoding = 'hex' | 'base64';

export function signatureEncoding(scheme: Scheme): SignatureEncoding {
  return scheme === 'standard' ? 'base64' : 'hex';
}

/**
 * Whether `id` may be signed as the `webhook-id`. Narrow on purpose: an id with a full stop would let one signed text be
 * read as another id, timestamp and body (Standard Webhooks 1.0 forbids it there for that reason).
 */
export function isSignableId(id: string): boolean {
  return /^[\w:-]{1,256}$/.test(id);
}

/** The Unix seconds of a timestamp header; null unless it is 1 to 11 digits, which milliseconds exceed. */
export function parseTimestamp(text: string): number | null {
  return /^\d{1,11}$/.test(text) ? Number(text) : null;
}

/** The value of `webhook-signature` for these base64 signatures, one for each valid secret. */
export function formatStandardSignatures(signatures: readonly string[]): string {
  return signatures.map((signature) => `v1,${signature}`).join(' ');
}

/**
 * The base64 signatures of a `webhook-signature` header: those of version `v1` that have the shape of an HMAC-SHA256.
 * Other versions and damaged entries are skipped. A comma at an entry's end is what joining repeated headers leaves there.
 */
export function parseStandardSignatures(header: string): string[] {
  return header
    .split(' ')
    .map((entry) => /^v1,([A-Za-z0-9+/]{43}=),?$/.exec(entry)?.[1])
    .filter((signature) => signature !== undefined);
}

/** Whether `text` has the shape of a hexadecimal HMAC-SHA256, in the lower case that is always sent. */
export function isHexSignature(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Equality in a time that depends on the lengths only, so that answers do not tell how much of a guess was right. */
export function equalsInConstantTime(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index++) difference |= left.charCodeAt(index) ^ right.charCodeAt(index);
  return difference === 0;
}
