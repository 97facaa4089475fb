/** Synchronous signing on node:crypto, for senders that sign many exchanges. Not for edge runtimes: use `sign` there. */
import { headerNames } from './header-names.ts';
import { hmacsOf, prepareKey } from './hmac-sender.ts';
import { parseSecrets } from './secret.ts';
import type { SignOptions } from './sign.ts';
import { type Exchange, planSignatures, type SignatureHeaders } from './signature-plan.ts';

export { InvalidOptionError } from './errors.ts';
export type { SignOptions } from './sign.ts';
export type { Exchange, SignatureHeaders } from './signature-plan.ts';

export interface SignerOptions {
  /** One to three: the current secret, then old ones that are still valid, the newest first. */
  secrets: readonly string[];
  /** Default `X-Broxi-`. */
  headerPrefix?: string | undefined;
}

/** Signs any number of exchanges with keys that were derived once. Holds secrets: drop it when they change. */
export interface Signer {
  /** @throws InvalidOptionError for an exchange that cannot be signed. */
  signHeaders(exchange: Exchange): SignatureHeaders;
}

/** @throws InvalidOptionError for secrets or a prefix that cannot be used. */
export function createSigner(options: SignerOptions): Signer {
  const names = headerNames(options.headerPrefix);
  const secrets = parseSecrets(options.secrets).map((secret) => ({
    signatureKey: prepareKey(secret.signatureKey),
    standardKey: prepareKey(secret.standardKey),
  }));
  return {
    signHeaders(exchange) {
      const plan = planSignatures(exchange, names, secrets);
      return plan.toHeaders(hmacsOf(plan.steps, exchange.body));
    },
  };
}

/** `createSigner` for a single exchange. */
export function signHeaders(options: SignOptions): SignatureHeaders {
  return createSigner(options).signHeaders(options);
}
