import type { RetryPolicy } from './retry-policy.ts';
import { isRetryableStatus } from './retry-policy.ts';

/** Which text `X-Broxi-Signature` signs: the body alone, or `timestamp.body`. */
export type SignatureScheme = 'timestamped' | 'body';

/** Why an exchange brought no answer. */
export type FailureKind =
  | 'timeout'
  | 'dns'
  | 'resolver'
  | 'connection_refused'
  | 'connection_reset'
  | 'unreachable'
  | 'out_of_sockets'
  | 'proxy'
  | 'tls'
  | 'malformed_response'
  | 'address_refused'
  | 'network';

/** What came back from one HTTP exchange. */
export type ExchangeResult =
  | {
      kind: 'answered';
      status: number;
      /** As received: name, value, name, value, … */
      headers: readonly string[];
      /** The first bytes of the answer, decoded as UTF-8. */
      body: string;
      /** The answer went on behind what was read. */
      truncated: boolean;
    }
  | { kind: 'failed'; failure: FailureKind; message: string };

/**
 * How long the phases of one exchange took, in whole milliseconds. Null: the phase did not happen, as on a connection that was
 * used before or with an address instead of a name, or it did not come to its end.
 */
export interface ExchangeTiming {
  /** The host name was resolved. */
  dnsMs: number | null;
  /** The TCP connection was made. */
  connectMs: number | null;
  /** The TLS handshake. */
  tlsMs: number | null;
  /** From the request to the first byte of the answer. */
  firstByteMs: number | null;
}

/** One HTTP request of an attempt, and what came of it. */
export interface Exchange {
  scheme: SignatureScheme;
  /** 0: signed with the present secret. */
  secret: number;
  /** Milliseconds since the epoch; whole seconds of it are the signed timestamp. */
  sentAt: number;
  /** From the request for it to its end: all phases, and what is between them. */
  durationMs: number;
  /** Absent in what was recorded before it was measured. */
  timing?: ExchangeTiming;
  result: ExchangeResult;
}

/** One try at a delivery, as it is kept. Request headers are not: they follow from this and the webhook's version. */
export interface AttemptRecord {
  /** `att_…` */
  id: string;
  /** 1, 2, …; goes on over a manual retry. */
  number: number;
  startedAt: number;
  durationMs: number;
  url: string;
  /** Id of the route that it went; null: the webhook's own URL. */
  route: number | null;
  webhookVersion: number;
  outcome: AttemptOutcome['kind'];
  /** In words; null when delivered. */
  reason: string | null;
  exchanges: readonly Exchange[];
}

/** What an attempt comes to. */
export type AttemptOutcome =
  | { kind: 'delivered' }
  | { kind: 'retryable'; reason: string; retryAfterMs: number | null }
  | { kind: 'permanent'; reason: string }
  /** 410: the receiver wants nothing any more. */
  | { kind: 'gone'; reason: string }
  /** It never got as far as the receiver, which is not to blame. */
  | { kind: 'own_failure'; reason: string };

/** The longest wait that a receiver may ask for. */
const MAX_RETRY_AFTER_MS = 24 * 3600 * 1000;

/** Answers that may only mean "I check another signature": worth one more exchange at once. */
export function refusesSignature(result: ExchangeResult): boolean {
  return result.kind === 'answered' && (result.status === 400 || result.status === 401 || result.status === 403);
}

export function isSuccess(result: ExchangeResult): boolean {
  return result.kind === 'answered' && result.status >= 200 && result.status < 300;
}

/** Pure: what the last exchange of an attempt means under the webhook's retry policy. */
export function classify(result: ExchangeResult, policy: RetryPolicy, now: number): AttemptOutcome {
  if (isSuccess(result)) return { kind: 'delivered' };
  if (result.kind === 'failed') {
    const reason = `${result.failure}: ${result.message}`;
    if (isOwnFailure(result.failure)) return { kind: 'own_failure', reason };
    return isRetryableFailure(result.failure, policy)
      ? { kind: 'retryable', reason, retryAfterMs: null }
      : { kind: 'permanent', reason };
  }
  const reason = describeStatus(result.status);
  if (result.status === 410) return { kind: 'gone', reason };
  if (!isRetryableStatus(policy, result.status)) return { kind: 'permanent', reason };
  return { kind: 'retryable', reason, retryAfterMs: askedWaitMs(result, now) };
}

/** Failures of this side: no resolver, no route, no socket left, no proxy. */
const OWN_FAILURES: ReadonlySet<FailureKind> = new Set(['resolver', 'unreachable', 'out_of_sockets', 'proxy']);

export function isOwnFailure(failure: FailureKind): boolean {
  return OWN_FAILURES.has(failure);
}

function isRetryableFailure(failure: FailureKind, policy: RetryPolicy): boolean {
  switch (failure) {
    case 'timeout':
      return policy.retryTimeouts;
    case 'malformed_response':
      return policy.retryMalformedResponses;
    case 'address_refused':
      return false;
    default:
      return policy.retryNetworkErrors;
  }
}

function describeStatus(status: number): string {
  if (status >= 300 && status < 400) return `answered ${status}: redirects are never followed`;
  return status === 410 ? 'answered 410: it is gone' : `answered ${status}`;
}

/** First value of a header in a flat list of names and values. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === name) return headers[i + 1];
  }
  return undefined;
}

/** How long the receiver asks to be left alone, whether or not this delivery is tried again; null: it does not. */
export function askedWaitMs(result: ExchangeResult, now: number): number | null {
  if (result.kind !== 'answered' || (result.status !== 429 && result.status !== 503)) return null;
  const asked = headerOf(result.headers, 'retry-after');
  return asked === undefined ? null : parseRetryAfter(asked, now);
}

/**
 * RFC 9110 §10.2.3: seconds or an HTTP date.
 * @returns milliseconds from `now`, at most 24 h; null if it is neither
 */
export function parseRetryAfter(value: string, now: number): number | null {
  const text = value.trim();
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  if (!/[a-z]/i.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.min(Math.max(0, at - now), MAX_RETRY_AFTER_MS);
}

/** HTTP status of an attempt's last exchange; null if it brought no answer. */
export function lastStatusOf(attempt: Pick<AttemptRecord, 'exchanges'>): number | null {
  const result = attempt.exchanges.at(-1)?.result;
  return result?.kind === 'answered' ? result.status : null;
}
