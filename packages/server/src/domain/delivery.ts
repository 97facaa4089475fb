import type { AttemptOutcome } from './attempt.ts';
import { delayBeforeRetryMs, type RetryPolicy } from './retry-policy.ts';

/**
 * A delivery: one event, or one batch of events, owed to one webhook.
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
 * a pending delivery so while its webhook takes nothing (see hold.ts). Not every attempt is charged: a probe that fails, a
 * 410 and a failure of our own leave the budget of the series as it was.
 *
 * Where the webhook has a fallback URL, what would be failed goes there once, for one more series; a manual retry begins at
 * its own URL again.
 *
 * ```
 *   pending ────────────▶ batched     a member of a batch, which is a delivery by itself and carries its fate
 *           batch is made   │  ▲
 *                           └──┘ the batch is split, or its receiver names the member as failed: it goes on in another
 * ```
 */
export type DeliveryState = 'pending' | 'sending' | 'delivered' | 'failed' | 'cancelled' | 'batched';

/**
 * Where a delivery waits: first attempts, retries, what was recovered by hand, and what waits for company in a batch. Each
 * class is scanned by itself.
 */
export const DELIVERY_CLASS = { first: 0, retry: 1, recovered: 2, gathering: 3 } as const;
export type DeliveryClass = (typeof DELIVERY_CLASS)[keyof typeof DELIVERY_CLASS];
export const DELIVERY_CLASSES: readonly DeliveryClass[] = [0, 1, 2, 3];

/** The classes that deliveries are sent from as they are. */
export type SentClass = Exclude<DeliveryClass, typeof DELIVERY_CLASS.gathering>;
export const SENT_CLASSES: readonly SentClass[] = [0, 1, 2];

/** How the delivery came to be. */
export type DeliveryOrigin = 'event' | 'replay' | 'backfill' | 'test' | 'batch';

/** What its body carries of the event's data: all of it, or identifiers only. */
export type PayloadKind = 'full' | 'thin';

/** What becomes of a delivery after an attempt. */
export type NextStep =
  | { state: 'delivered' }
  | { state: 'failed'; reason: string }
  /** Others carry on what it was to deliver. */
  | { state: 'cancelled'; reason: string }
  | {
      state: 'pending';
      dueAt: number;
      /** The attempt does not count in its series. */
      uncharged?: true;
      /** It goes to the webhook's fallback from now on, in a new series. */
      atFallback?: true;
    };

/** What {@link decideNext} looks at; instants in milliseconds since the epoch. */
export interface Decision {
  outcome: AttemptOutcome;
  policy: RetryPolicy;
  /** Attempts made in the present series, this one included. A manual retry starts a new series. */
  attemptsInSeries: number;
  /** What the webhook's fallback means for it. */
  fallback: FallbackUse;
  /** The attempt is charged to nobody, and the delivery tried again at this instant; null: it counts. */
  excusedUntil: number | null;
  now: number;
  /** In [0, 1), for the jitter. */
  random: number;
}

/** Of an attempt: `ahead`, what it gives up goes to the fallback; `here`, it went there; `none`, there is none, or it had its turn. */
export type FallbackUse = 'none' | 'ahead' | 'here';

/** Pure: the next step after an attempt, by its outcome and the webhook's retry policy. */
export function decideNext(decision: Decision): NextStep {
  const { outcome, policy, attemptsInSeries, fallback, excusedUntil, now, random } = decision;
  // At least a moment: what was read up to now is never read again before the next sweep.
  const at = (dueAt: number) => Math.max(now + 1, dueAt);
  const giveUp = (reason: string): NextStep => {
    if (fallback === 'ahead') return { state: 'pending', dueAt: at(now), atFallback: true };
    return {
      state: 'failed',
      reason: fallback === 'here' ? `${reason} at the fallback, as at its own URL before` : reason,
    };
  };
  if (excusedUntil !== null && outcome.kind !== 'delivered') {
    return { state: 'pending', dueAt: at(excusedUntil), uncharged: true };
  }
  switch (outcome.kind) {
    case 'delivered':
    case 'partly_delivered':
      return { state: 'delivered' };
    case 'too_large':
      return { state: 'cancelled', reason: outcome.reason };
    case 'permanent':
      return giveUp(outcome.reason);
    case 'retryable': {
      if (attemptsInSeries >= policy.attemptsAllowed) {
        return giveUp(`${outcome.reason}; all ${attemptsInSeries} attempts used`);
      }
      const delayMs = delayBeforeRetryMs(policy, attemptsInSeries, random);
      return { state: 'pending', dueAt: at(now + Math.max(Math.ceil(delayMs), outcome.retryAfterMs ?? 0)) };
    }
    // Held with its webhook, and due as soon as that is resumed.
    case 'gone':
    case 'own_failure':
      return { state: 'pending', dueAt: at(now), uncharged: true };
  }
}
