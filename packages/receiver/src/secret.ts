import { decodeBase64, encodeBase64 } from './encoding.ts';
import { InvalidOptionError } from './errors.ts';

const standardPrefix = 'whsec_';
const utf8 = new TextEncoder();

/** The HMAC keys of one secret, as bytes or as what a runtime makes of them. */
export interface SigningKeys<Key> {
  /** Key of the prefixed signature header, `X-Broxi-Signature` by default: the UTF-8 bytes of the whole secret text, `whsec_` included. */
  signatureKey: Key;
  /** Key of `webhook-signature` (Standard Webhooks 1.0): the bytes after `whsec_`, base64-decoded; without that prefix the UTF-8 bytes. */
  standardKey: Key;
}

export interface Secret extends SigningKeys<Uint8Array> {
  /** What a Standard Webhooks library has to be given: the secret itself, or for one without the prefix `whsec_` + its base64. */
  standardText: string;
}

export type ParsedSecret = { ok: true; secret: Secret } | { ok: false; message: string };

/** Derives the keys of a secret. The message of a refusal says what would be accepted, and never holds the secret. */
export function parseSecret(text: string): ParsedSecret {
  if (typeof text !== 'string' || text === '') {
    return { ok: false, message: 'must be a text that is not empty; is its environment variable set?' };
  }
  if (text.trim() !== text) {
    return { ok: false, message: 'must not start or end with white space (often a line break from a file); trim it' };
  }
  const signatureKey = utf8.encode(text);
  if (!text.startsWith(standardPrefix)) {
    const standardText = standardPrefix + encodeBase64(signatureKey);
    return { ok: true, secret: { signatureKey, standardKey: signatureKey, standardText } };
  }
  const standardKey = decodeBase64(text.slice(standardPrefix.length));
  if (standardKey === null || standardKey.length === 0) {
    return {
      ok: false,
      message:
        'after whsec_ must come base64 (A-Z a-z 0-9 + /, padded with =); copy the secret whole, or drop the prefix for one of your own that is not base64',
    };
  }
  return { ok: true, secret: { signatureKey, standardKey, standardText: text } };
}

/**
 * Derives the keys of every secret, in their order.
 * @throws InvalidOptionError that names the first secret which cannot be used, or `secrets` if there is none.
 */
export function parseSecrets(texts: readonly string[]): [Secret, ...Secret[]] {
  if (!Array.isArray(texts)) throw new InvalidOptionError('secrets', 'must be an array of secrets');
  const [first, ...rest] = texts.map((text, index) => {
    const parsed = parseSecret(text);
    if (!parsed.ok) throw new InvalidOptionError(`secrets[${index}]`, parsed.message);
    return parsed.secret;
  });
  if (first === undefined) throw new InvalidOptionError('secrets', 'must hold at least one secret');
  return [first, ...rest];
}
