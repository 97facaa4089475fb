import type { RetryPolicyConfig } from './retry-policy-config.ts';
import { expandStatusCodes } from './status-codes.ts';

/** A webhook's retry policy in the form that the engine asks; derived once per version of a webhook. */
export interface RetryPolicy {
  /** The first attempt included. */
  attemptsAllowed: number;
  delays:
    | { kind: 'scheduled'; delaysMs: readonly number[] }
    | { kind: 'backoff'; firstMs: number; doubles: boolean; maxMs: number };
  /** 0 to 1: each delay varies by ± this share. */
  jitter: number;
  retryStatuses: ReadonlySet<number>;
  retryNetworkErrors: boolean;
  retryTimeouts: boolean;
  retryMalformedResponses: boolean;
}

/** `schedule: "extended"`: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h; rides out a day's outage. */
export const EXTENDED_SCHEDULE_MS: readonly number[] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000].map(
  (s) => s * 1000,
);

export function deriveRetryPolicy(config: RetryPolicyConfig): RetryPolicy {
  const { schedule, retry_conditions: retry, non_retry_conditions: never } = config;
  const scheduledMs = schedule === 'extended' ? EXTENDED_SCHEDULE_MS : schedule?.map((seconds) => seconds * 1000);
  const neverStatuses = expandStatusCodes(never.status_codes);
  return {
    attemptsAllowed: (scheduledMs?.length ?? config.max_retries) + 1,
    delays: scheduledMs
      ? { kind: 'scheduled', delaysMs: scheduledMs }
      : {
          kind: 'backoff',
          firstMs: config.retry_delay * 1000,
          doubles: config.exponential_backoff,
          maxMs: config.max_delay * 1000,
        },
    jitter: config.jitter,
    retryStatuses: new Set([...expandStatusCodes(retry.status_codes)].filter((status) => !neverStatuses.has(status))),
    retryNetworkErrors: retry.network_errors,
    retryTimeouts: retry.timeouts,
    retryMalformedResponses: !never.malformed_response,
  };
}

/**
 * How long to wait before retry `retryNumber` (1, 2, …): min(retry_delay · 2^(n−1), max_delay), or the schedule's nth delay,
 * varied by ± jitter. Behind the end of a schedule its last delay holds.
 *
 * @param random in [0, 1); 0.5 is no jitter
 * @returns whole milliseconds
 */
export function delayBeforeRetryMs(policy: RetryPolicy, retryNumber: number, random: number): number {
  const { delays, jitter } = policy;
  const n = Math.max(1, retryNumber);
  const plainMs =
    delays.kind === 'scheduled'
      ? (delays.delaysMs[Math.min(n, delays.delaysMs.length) - 1] ?? 0)
      : Math.min(delays.doubles ? delays.firstMs * 2 ** (n - 1) : delays.firstMs, delays.maxMs);
  return Math.round(plainMs * (1 + jitter * (2 * random - 1)));
}

/** Whether a delivery answered with this status, which is not a success, is tried again. */
export function isRetryableStatus(policy: RetryPolicy, status: number): boolean {
  return policy.retryStatuses.has(status);
}
