import type { AttemptOutcome } from './attempt.ts';
import { delayBeforeRetryMs, type RetryPolicy } from './retry-policy.ts';

/**
 * A delivery: one event owed to one webhook.
 *
 * ```
 *              attempt starts                 2xx
 *   pending ───────────────────▶ sending ───────────────▶ delivered
 *    ▲  ▲  │                       │  │ retries used up, or an answer that is not retried
 *    │  │  │ cancel                │  └─────────────────▶ failed
 *    │  │  ▼                       │ retryable                │
 *    │  │ cancelled                │                          │
 *    │  └──────────────────────────┘ (due later)              │
 *    └────────────────────────────────────────────────────────┘ manual retry: a fresh schedule, attempt numbers go on
 * ```
 *
 * `pending` is a row in the queue. `sending` is the same row while its lane's owner has it in the air: nothing is written
 * when it starts, so a crash leaves a pending row that is sent again under the same id. `held` is not a state: a read shows
 * a pending delivery so while its webhook takes nothing.
 */
export type DeliveryState = 'pending' | 'sending' | 'delivered' | 'failed' | 'cancelled';

/** Where a delivery waits: first attempts, retries, and what was recovered by hand. Each class is scanned by itself. */
export const DELIVERY_CLASS = { first: 0, retry: 1, recovered: 2 } as const;
export type DeliveryClass = (typeof DELIVERY_CLASS)[keyof typeof DELIVERY_CLASS];
export const DELIVERY_CLASSES: readonly DeliveryClass[] = [0, 1, 2];

/** How the delivery came to be. */
export type DeliveryOrigin = 'event' | 'replay' | 'backfill' | 'test';

/** What becomes of a delivery after an attempt. */
export type NextStep =
  | { state: 'delivered' }
  | { state: 'failed'; reason: string }
  | { state: 'pending'; dueAt: number };

/** What {@link decideNext} looks at; instants in milliseconds since the epoch. */
export interface Decision {
  outcome: AttemptOutcome;
  policy: RetryPolicy;
  /** Attempts made in the present series, this one included. A manual retry starts a new series. */
  attemptsInSeries: number;
  now: number;
  /** In [0, 1), for the jitter. */
  random: number;
}

/** Pure: the next step after an attempt, by its outcome and the webhook's retry policy. */
export function decideNext({ outcome, policy, attemptsInSeries, now, random }: Decision): NextStep {
  switch (outcome.kind) {
    case 'delivered':
      return { state: 'delivered' };
    case 'permanent':
      return { state: 'failed', reason: outcome.reason };
    case 'retryable': {
      if (attemptsInSeries >= policy.attemptsAllowed) {
        return { state: 'failed', reason: `${outcome.reason}; all ${attemptsInSeries} attempts used` };
      }
      const delayMs = delayBeforeRetryMs(policy, attemptsInSeries, random);
      // At least a moment: what was read up to now is never read again before the next sweep.
      return { state: 'pending', dueAt: now + Math.max(1, Math.ceil(delayMs), outcome.retryAfterMs ?? 0) };
    }
  }
}
