import type { WebhookFacts } from './facts.ts';
import type { Ledger } from './ledger.ts';
import type { RunCheck } from './run-check.ts';
import { type DeliveryRow, isLane, keyOf, type QueueRow } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import type { Witness } from './witness.ts';

const SLACK_MS = 10 * 60_000;

/** What has to be true once the receivers are well and nothing is broken any more. */
export class FinalCheck {
  readonly #witness: Witness;
  readonly #ledger: Ledger;
  readonly #runs: RunCheck;

  constructor(witness: Witness, ledger: Ledger, runs: RunCheck) {
    this.#witness = witness;
    this.#ledger = ledger;
    this.#runs = runs;
  }

  /** A person or the system holds it. */
  isHeld({ lane }: WebhookFacts): boolean {
    const { disk } = this.#witness;
    const latest = versionsOf(disk, lane).at(-1);
    const hold = disk.holds.get(keyOf(lane.workspaceId, lane.webhookId))?.hold;
    if (latest?.deletedAt !== null) return false;
    return !latest.config.active || (hold != null && (hold.pausedAt !== null || hold.disabledAt !== null));
  }

  /** What waits, and neither is held nor waits for a person to decide on one that failed before it. */
  waiting(): { webhook: WebhookFacts; row: QueueRow }[] {
    return this.#owed().filter(({ webhook, row }) => this.#runs.blockerOf(webhook, row) === undefined);
  }

  /** What failed, and keeps others back. */
  blocking(): { webhook: WebhookFacts; row: DeliveryRow }[] {
    const blocked = this.#owed().map(({ webhook, row }) => ({ webhook, row: this.#runs.blockerOf(webhook, row) }));
    const found = blocked.flatMap(({ webhook, row }) => (row === undefined ? [] : [{ webhook, row }]));
    return [...new Map(found.map((each) => [each.row.key, each])).values()];
  }

  #owed(): { webhook: WebhookFacts; row: QueueRow }[] {
    const flowing = [...this.#ledger.webhooks.values()].filter((webhook) => !this.isHeld(webhook));
    return this.#witness.disk.queue.all().flatMap((row) => {
      const webhook = flowing.find(({ lane }) => isLane(lane, row.lane));
      return webhook === undefined ? [] : [{ webhook, row }];
    });
  }

  /** When all that waits now is over at the latest, if everything is well from now on. */
  latestEnd(): number {
    const { now } = this.#witness.time;
    const waiting = this.waiting();
    const ends = waiting.map(({ webhook, row }) => {
      const config = versionsOf(this.#witness.disk, webhook.lane).at(-1)?.config;
      const limit = config?.rate_limit;
      const destination = this.#ledger.destinationOf(webhook, this.#witness.disk.deliveries.get(row.key));
      const free = Math.max(destination?.freeFrom(now) ?? now, webhook.trouble.until);
      const paced = limit ? (2 * waiting.length * limit.period * 1000) / limit.limit : 0;
      const { workspaceId, webhookId } = webhook.lane;
      const known = this.#witness.disk.destinations.get(keyOf(workspaceId, webhookId, destination?.url ?? ''))?.value;
      return Math.max(now, row.dueAt, free, known?.notBefore ?? 0) + paced + SLACK_MS;
    });
    return Math.max(now + SLACK_MS, ...ends);
  }

  /** @param since what was due then must be over */
  checkFlow(since: number): void {
    const late = this.waiting().filter(({ row }) => row.dueAt <= since);
    for (const { webhook, row } of late) {
      const id = this.#witness.disk.deliveries.get(row.key)?.id;
      this.#witness.breach(`${id} of ${webhook.host} still waits, although nothing holds it`);
    }
  }

  /** It is in the one batch that carries its fate. */
  #checkMember(member: DeliveryRow, breach: (what: string) => void): void {
    const { disk } = this.#witness;
    const batch = disk.deliveries.get(member.batch ?? '');
    const event = batch && disk.events.get(batch.event);
    const isCarried = event?.type === 'webhook.batch' && event.dataText.includes(`"delivery_id":"${member.id}"`);
    if (!isCarried) breach('is in a batch that does not carry it');
    const isQueued = batch !== undefined && disk.queue.get(batch.key) !== undefined;
    if (isQueued !== (batch?.state === 'pending')) breach(`is in a batch that is ${batch?.state}, and waits for ever`);
  }

  /** Every delivery is where it belongs. */
  checkRows(): void {
    const { disk } = this.#witness;
    for (const delivery of this.#ledger.deliveries.values()) {
      const breach = (what: string) => this.#witness.breach(`${delivery.id} ${what}`);
      const row = this.#ledger.rowOf(delivery);
      if (delivery.attempt !== null) breach('is in the air for ever');
      if (row === undefined) {
        if (delivery.acknowledgedAt !== null) breach('was acknowledged, and is lost');
        continue;
      }
      if (delivery.refused) breach('was refused, and is recorded');
      if (row.payload !== (delivery.payload ?? row.payload)) breach(`is ${row.payload} by its row`);
      const isQueued = disk.queue.get(row.key) !== undefined;
      if (isQueued !== (row.state === 'pending')) breach(`is ${row.state}, and ${isQueued ? '' : 'not '}in the queue`);
      const fate = this.#ledger.fateOf(delivery);
      if (fate === 'delivered' && !delivery.wasTaken) breach('is delivered, and no receiver took it');
      if (delivery.taken && fate !== 'delivered') breach(`was taken by its receiver, and is ${fate}`);
      if (row.state === 'batched') this.#checkMember(row, breach);
      const numbers = (disk.attempts.get(row.key) ?? []).map(({ number }) => number);
      if (numbers.some((number, i) => number !== i + 1) || numbers.length !== row.attempts) {
        breach(`has attempts ${numbers.join(', ')}, and says ${row.attempts}`);
      }
    }
  }
}
