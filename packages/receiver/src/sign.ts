import { hmacSha256 } from '#hmac';
import { headerNames } from './header-names.ts';
import type { HmacSha256 } from './hmac.ts';
import { parseSecrets } from './secret.ts';
import { type Exchange, planSignatures, type SignatureHeaders } from './signature-plan.ts';

export interface SignOptions extends Exchange {
  /** One to three: the current secret, then old ones that are still valid, the newest first. */
  secrets: readonly string[];
  /** Default `X-Broxi-`. */
  headerPrefix?: string | undefined;
}

/**
 * The headers that sign one exchange, on any runtime: the prefixed timestamp and signature, the previous signature where
 * there is an old secret, and `webhook-id`, `webhook-timestamp` and `webhook-signature` of Standard Webhooks 1.0.
 * `@broxi/receiver/node` does the same synchronously.
 * @throws InvalidOptionError (as a rejection) for an option that cannot be signed with.
 */
export function sign(options: SignOptions): Promise<SignatureHeaders> {
  return signWith(hmacSha256, options);
}

/** `sign` on a given HMAC. */
export async function signWith(hmac: HmacSha256, options: SignOptions): Promise<SignatureHeaders> {
  const plan = planSignatures(options, headerNames(options.headerPrefix), parseSecrets(options.secrets));
  const signatures = plan.steps.map(({ key, prefix, encoding }) => hmac(key, prefix, options.body, encoding));
  return plan.toHeaders(await Promise.all(signatures));
}
