import type { AttemptFacts, WebhookFacts } from './facts.ts';
import { keyOf } from './store/disk.ts';
import type { Witness } from './witness.ts';

interface Start {
  at: number;
  /** The first of its attempt. */
  isFirst: boolean;
  attempt: AttemptFacts;
}

/** Rate limits: requests to a webhook that begin within any period, whatever became of them. */
export class PaceCheck {
  readonly #witness: Witness;
  readonly #starts = new Map<WebhookFacts, Start[]>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  sent(attempt: AttemptFacts): void {
    const { webhook, isTest, deliveryId } = attempt;
    const { now } = this.#witness.time;
    const starts = this.#starts.get(webhook) ?? [];
    starts.push({ at: now, attempt, isFirst: attempt.exchanges.length === 1 });
    this.#starts.set(webhook, starts);
    const limits = attempt.versions.map(({ config }) => config.rate_limit);
    // A test does not wait, and counts. One that was sent later may go on with the limit of today.
    if (isTest || (attempt.exchanges.length > 1 && webhook.changedUntil >= attempt.startedAt)) return;
    const exceeded = limits.map((limit) => {
      if (limit === null) return null;
      const from = now - limit.period * 1000;
      const count = starts.filter((start) => start.at > from && isCounted(start)).length;
      if (count >= limit.limit) this.#witness.reached.note('the rate limit was reached');
      return count > limit.limit
        ? `${deliveryId} was one of ${count} requests in ${limit.period} s, where ${limit.limit} may be`
        : null;
    });
    const [first] = exceeded;
    if (first !== undefined && exceeded.every((one) => one !== null) && first !== null) this.#witness.breach(first);
  }

  /** Their lanes are begun by another process. What was in the air is not on record: nobody counts it any more. */
  forget(webhooks: readonly WebhookFacts[]): void {
    const { disk } = this.#witness;
    for (const webhook of webhooks) {
      const starts = this.#starts.get(webhook) ?? [];
      const isRecorded = ({ attempt }: Start) => {
        const key = keyOf(webhook.lane.workspaceId, attempt.deliveryId);
        const recorded = disk.attempts.get(key)?.find(({ number }) => number === attempt.number);
        return recorded !== undefined && recorded.startedAt === attempt.startedAt;
      };
      this.#starts.set(webhook, starts.filter(isRecorded));
    }
  }
}

/** A limit that is new does not know of what was in the air then, but for one request of each attempt. */
function isCounted({ attempt, isFirst }: Start): boolean {
  return attempt.startedAt > attempt.webhook.changedUntil || (isFirst && !attempt.isTest);
}
