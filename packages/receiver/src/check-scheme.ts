import { explainMismatch } from './explain-mismatch.ts';
import { type HeaderNames, standardHeaderNames } from './header-names.ts';
import type { HmacSha256 } from './hmac.ts';
import type { Secret } from './secret.ts';
import {
  equalsInConstantTime,
  isHexSignature,
  isSignableId,
  parseStandardSignatures,
  parseTimestamp,
  type Scheme,
  signatureEncoding,
  signedPrefix,
  signingKey,
} from './signature.ts';
import type { RefusalReason } from './verification.ts';

export interface SchemeContext {
  hmac: HmacSha256;
  body: string | Uint8Array;
  header(name: string): string | null;
  names: HeaderNames;
  secrets: readonly Secret[];
  secretTexts: readonly string[];
  nowSeconds: number;
  toleranceSeconds: number;
}

export type SchemeMatch = { ok: true; secretIndex: number } & (
  | { scheme: 'standard' | 'timestamped'; timestamp: number; id: string | null }
  | { scheme: 'body'; timestamp: null; id: null }
);
/** `explain` makes the message on demand, for only one scheme's refusal is shown. */
export type SchemeRefusal = { ok: false; reason: RefusalReason; explain: () => string };

/**
 * Checks one scheme: shape, then signature, then time. Time comes last so that a refusal for its sake is about a genuine
 * request, and points at the clocks.
 */
export async function checkScheme(scheme: Scheme, context: SchemeContext): Promise<SchemeMatch | SchemeRefusal> {
  const { header, names } = context;
  const isStandard = scheme === 'standard';
  const signatureName = isStandard ? standardHeaderNames.signature : names.signature;
  const timestampName = isStandard ? standardHeaderNames.timestamp : names.timestamp;

  const given = isStandard ? [header(signatureName)] : [header(signatureName), header(names.signaturePrevious)];
  const present = given.filter((value) => value !== null);
  if (present.length === 0) {
    return refuse(
      'missing_signature',
      `There is no ${signatureName} header. Check headerPrefix, and that no proxy drops it.`,
    );
  }
  const signatures = isStandard ? present.flatMap(parseStandardSignatures) : present.filter(isHexSignature);
  if (signatures.length === 0) {
    const shape = isStandard ? 'v1, and the base64 of 32 bytes' : '64 lower-case hexadecimal digits';
    return refuse(
      'malformed_signature',
      `${signatureName} does not hold ${shape}: it was cut, changed or joined on its way.`,
    );
  }

  if (scheme === 'body') {
    const secretIndex = await findSecret(scheme, signedPrefix(scheme, { id: '', timestamp: '' }), signatures, context);
    return secretIndex === -1 ? mismatch(context) : { ok: true, secretIndex, scheme, timestamp: null, id: null };
  }

  const id = isStandard ? header(standardHeaderNames.id) : null;
  if (isStandard && id === null) return refuse('missing_id', missing(standardHeaderNames.id));
  if (id !== null && !isSignableId(id)) {
    return refuse('malformed_id', `${standardHeaderNames.id} is not 1 to 256 characters of A-Z a-z 0-9 _ : -.`);
  }
  const timestampText = header(timestampName);
  if (timestampText === null) return refuse('missing_timestamp', missing(timestampName));
  const timestamp = parseTimestamp(timestampText);
  if (timestamp === null) return refuse('malformed_timestamp', `${timestampName} is not whole Unix seconds.`);

  const prefix = signedPrefix(scheme, { id: id ?? '', timestamp: timestampText });
  const secretIndex = await findSecret(scheme, prefix, signatures, context);
  if (secretIndex === -1) return mismatch(context);
  return checkTime(timestamp, context) ?? { ok: true, secretIndex, scheme, timestamp, id };
}

async function findSecret(scheme: Scheme, prefix: string, signatures: string[], context: SchemeContext) {
  for (const [index, secret] of context.secrets.entries()) {
    const expected = await context.hmac(signingKey(scheme, secret), prefix, context.body, signatureEncoding(scheme));
    if (signatures.some((signature) => equalsInConstantTime(signature, expected))) return index;
  }
  return -1;
}

function checkTime(timestamp: number, { nowSeconds, toleranceSeconds }: SchemeContext): SchemeRefusal | null {
  const ageSeconds = nowSeconds - timestamp;
  if (ageSeconds > toleranceSeconds) {
    return refuse(
      'timestamp_too_old',
      `The signature is genuine, but ${ageSeconds} s old by the clock of this machine; ${toleranceSeconds} s are tolerated. It was sent again by somebody, or waited on its way, or this clock is fast: synchronise it (NTP).`,
    );
  }
  if (-ageSeconds > toleranceSeconds) {
    return refuse(
      'timestamp_in_future',
      `The signature is genuine, but ${-ageSeconds} s ahead of the clock of this machine; ${toleranceSeconds} s are tolerated. This clock is slow: synchronise it (NTP).`,
    );
  }
  return null;
}

function missing(name: string): string {
  return `There is no ${name} header, which is signed along with the body. Check that no proxy drops it.`;
}

function mismatch({ body, secretTexts }: SchemeContext): SchemeRefusal {
  const explain = () => `No signature matches. ${explainMismatch(body, secretTexts)}`;
  return { ok: false, reason: 'signature_mismatch', explain };
}

function refuse(reason: RefusalReason, message: string): SchemeRefusal {
  return { ok: false, reason, explain: () => message };
}
