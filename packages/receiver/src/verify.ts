import { hmacSha256 } from '#hmac';
import { checkScheme, type SchemeRefusal } from './check-scheme.ts';
import type { HmacSha256 } from './hmac.ts';
import type { Refusal, RefusalReason, Verification } from './verification.ts';
import { readPayload } from './verified-payload.ts';
import { readVerifyOptions, type VerifyOptions } from './verify-options.ts';

/**
 * Verifies that a request was signed with the secret, and recently. Nothing that a stranger may send makes it throw.
 * @throws InvalidOptionError (as a rejection) for a mistake of the caller's: a malformed secret, a body that was parsed
 * before. Answer those with a 5xx, so that the delivery is tried again once it is mended; and a refusal with 401.
 */
export function verify(options: VerifyOptions): Promise<Verification | Refusal> {
  return verifyWith(hmacSha256, options);
}

/** `verify` on a given HMAC. */
export async function verifyWith(hmac: HmacSha256, options: VerifyOptions): Promise<Verification | Refusal> {
  const { accept, ...context } = readVerifyOptions(options);
  const refusals: SchemeRefusal[] = [];
  for (const scheme of accept) {
    const outcome = await checkScheme(scheme, { ...context, hmac });
    if (outcome.ok) {
      const { id, ...match } = outcome;
      const { payload, event, deliveryId } = readPayload(options.body);
      return { ...match, payload, event, deliveryId: id ?? deliveryId };
    }
    refusals.push(outcome);
  }
  const { reason, explain } = refusals.reduce((told, next) =>
    weight(next.reason) > weight(told.reason) ? next : told,
  );
  return { ok: false, reason, message: explain() };
}

/** Of several schemes' refusals the one that got furthest is told: it says most about what is wrong. */
function weight(reason: RefusalReason): number {
  switch (reason) {
    case 'timestamp_too_old':
    case 'timestamp_in_future':
      return 3;
    case 'signature_mismatch':
      return 2;
    case 'missing_signature':
      return 0;
    default:
      return 1;
  }
}
