/** What a verified request says. Everything here was covered by the signature; other headers were not. */
interface VerifiedRequest {
  ok: true;
  /** Position of the secret that matched, in the secrets given. Above 0 the sender may still be using an old one. */
  secretIndex: number;
  /** The body, parsed; undefined if it is not JSON. */
  payload: unknown;
  /** The event's type, such as `workflow.completed`; null if the body names none. */
  event: string | null;
  /** Stays the same over every retry: de-duplicate on it. Null if neither body nor signature names it. */
  deliveryId: string | null;
}

export type Verification =
  | (VerifiedRequest & {
      scheme: 'standard' | 'timestamped';
      /** When this exchange was signed, Unix seconds. */
      timestamp: number;
    })
  | (VerifiedRequest & {
      scheme: 'body';
      /** Nothing that was signed tells when: the request may be a replay. */
      timestamp: null;
    });

/**
 * - `missing_signature`: no header of an accepted scheme;
 * - `malformed_signature`: there is one, without the shape of a signature;
 * - `missing_id`, `malformed_id`: the same of `webhook-id`, which Standard Webhooks signs;
 * - `missing_timestamp`, `malformed_timestamp`: the same of the signed timestamp;
 * - `signature_mismatch`: another secret, or another body, or a forgery;
 * - `timestamp_too_old`, `timestamp_in_future`: the signature is genuine, and its time further from ours than tolerated.
 */
export type RefusalReason =
  | 'missing_signature'
  | 'malformed_signature'
  | 'missing_id'
  | 'malformed_id'
  | 'missing_timestamp'
  | 'malformed_timestamp'
  | 'signature_mismatch'
  | 'timestamp_too_old'
  | 'timestamp_in_future';

export interface Refusal {
  ok: false;
  reason: RefusalReason;
  /** The likely cause and what to do about it, for one's own log. Holds no secret and no text of the request. */
  message: string;
}
