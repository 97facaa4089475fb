import { checkBody } from './body.ts';
import { InvalidOptionError } from './errors.ts';
import { type HeaderNames, standardHeaderNames } from './header-names.ts';
import type { SigningKeys } from './secret.ts';
import {
  formatStandardSignatures,
  isSignableId,
  parseTimestamp,
  type Scheme,
  type SignatureEncoding,
  signatureEncoding,
  signedPrefix,
  signingKey,
} from './signature.ts';

/** What one exchange signs. A retry is another exchange: it has a fresh timestamp and the same delivery id and body. */
export interface Exchange {
  /** Becomes `webhook-id`: 1 to 256 of `A-Z a-z 0-9 _ : -`. */
  deliveryId: string;
  /** Whole Unix seconds. */
  timestamp: number;
  /** Exactly what is sent as the body. */
  body: string | Uint8Array;
  /** What the prefixed signature covers. Default `timestamped`. */
  scheme?: 'timestamped' | 'body' | undefined;
  /** Position of the secret that makes the prefixed signature. Default 0, the current one. */
  signatureSecretIndex?: number | undefined;
}

/** Header values by lower-case name. */
export type SignatureHeaders = Record<string, string>;

export interface SignatureStep<Key> {
  key: Key;
  prefix: string;
  encoding: SignatureEncoding;
}

/** The signatures to compute for one exchange, and how their encoded results, in the same order, become headers. */
export interface SignaturePlan<Key> {
  steps: SignatureStep<Key>[];
  toHeaders(signatures: readonly string[]): SignatureHeaders;
}

/**
 * Plans `X-Broxi-Signature`, `X-Broxi-Signature-Previous` by the newest old secret where there is one, and
 * `webhook-signature` by every secret, so that a receiver that knows any of them can verify.
 * @param secrets one to three, the current one first, then the newest old one.
 * @throws InvalidOptionError for an id, timestamp, body, scheme or index that cannot be signed.
 */
export function planSignatures<Key>(
  exchange: Exchange,
  names: HeaderNames,
  secrets: readonly SigningKeys<Key>[],
): SignaturePlan<Key> {
  const { deliveryId: id, scheme = 'timestamped', signatureSecretIndex = 0 } = exchange;
  checkExchange(exchange, secrets.length);
  const main = secrets[signatureSecretIndex];
  if (main === undefined) {
    throw new InvalidOptionError('signatureSecretIndex', `must be 0 to ${secrets.length - 1}, a position in secrets`);
  }
  const previous = secrets[1];
  const fields = { id, timestamp: String(exchange.timestamp) };
  const step = (scheme: Scheme, keys: SigningKeys<Key>): SignatureStep<Key> => ({
    key: signingKey(scheme, keys),
    prefix: signedPrefix(scheme, fields),
    encoding: signatureEncoding(scheme),
  });

  const steps = [step(scheme, main)];
  // Where the newest old secret makes the main signature already, that result serves twice.
  if (previous !== undefined && previous !== main) steps.push(step(scheme, previous));
  const hexCount = steps.length;
  for (const keys of secrets) steps.push(step('standard', keys));

  return {
    steps,
    toHeaders(signatures) {
      const headers: SignatureHeaders = { [names.timestamp]: fields.timestamp, [names.signature]: signatures[0] ?? '' };
      if (previous !== undefined) headers[names.signaturePrevious] = signatures[hexCount - 1] ?? '';
      headers[standardHeaderNames.id] = id;
      headers[standardHeaderNames.timestamp] = fields.timestamp;
      headers[standardHeaderNames.signature] = formatStandardSignatures(signatures.slice(hexCount));
      return headers;
    },
  };
}

function checkExchange(exchange: Exchange, secretCount: number): void {
  const { deliveryId, timestamp, body, scheme = 'timestamped' } = exchange;
  if (secretCount < 1 || secretCount > 3) {
    throw new InvalidOptionError('secrets', 'must be one to three: the current secret, then old ones, newest first');
  }
  if (typeof deliveryId !== 'string' || !isSignableId(deliveryId)) {
    throw new InvalidOptionError('deliveryId', 'must be 1 to 256 characters of A-Z a-z 0-9 _ : -');
  }
  if (parseTimestamp(String(timestamp)) !== timestamp) {
    throw new InvalidOptionError('timestamp', 'must be whole Unix seconds, not milliseconds');
  }
  checkBody(body);
  if (scheme !== 'timestamped' && scheme !== 'body') {
    throw new InvalidOptionError('scheme', "must be 'timestamped' or 'body'");
  }
}
