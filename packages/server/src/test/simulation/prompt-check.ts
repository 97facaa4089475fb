import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import type { WebhookFacts } from './facts.ts';
import type { Ledger } from './ledger.ts';
import type { RunCheck } from './run-check.ts';
import { type DeliveryRow, isLane, keyOf, type QueueRow } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import type { Witness } from './witness.ts';

const PROMPT_MS = 1_000;
/** That the next start may need, one after the other: of the webhook, of its classes, and when the next retry is due. */
const MOST_READS = 6;

/**
 * What may be sent is sent at once, whatever other receivers do: a webhook that nothing keeps back, and that has a slot, waits a
 * second at most, from the moment that something is due, or that what kept it back is over.
 */
export class PromptCheck {
  readonly #witness: Witness;
  readonly #ledger: Ledger;
  readonly #options: { withinMs: number; readsMs: number; calmSince: () => number; runs: RunCheck };

  /**
   * @param options.readMs the longest that a read takes
   * @param options.calmSince since when nothing was wrong with process and disk
   */
  constructor(
    witness: Witness,
    ledger: Ledger,
    options: { extraMs: number; readMs: number; calmSince: () => number; runs: RunCheck },
  ) {
    this.#witness = witness;
    this.#ledger = ledger;
    const { calmSince, runs } = options;
    const readsMs = options.readMs * MOST_READS;
    this.#options = { withinMs: PROMPT_MS + options.extraMs + readsMs, readsMs, calmSince, runs };
  }

  /** From this instant on something of the webhook can be sent, as far as is known. */
  expect(webhook: WebhookFacts, since = this.#witness.time.now): void {
    const { time } = this.#witness;
    const delayMs = Math.max(0, since - time.now) + this.#options.withinMs;
    time.clock().after(delayMs, () => this.#verify(webhook, since));
  }

  #verify(webhook: WebhookFacts, since: number): void {
    if (webhook.startedAt >= since) this.#noteNeighbours(webhook);
    if (webhook.startedAt >= since) return;
    if (!this.#isCalm(webhook, since)) return;
    const { disk, time } = this.#witness;
    const { workspaceId } = webhook.lane;
    const busy = new Set([...webhook.attempts].map(({ deliveryId }) => keyOf(workspaceId, deliveryId)));
    const due = disk.queue
      .all()
      .filter((row) => isLane(row.lane, webhook.lane) && this.#dueAt(row) <= since && !busy.has(row.key))
      .filter((row) => this.#options.runs.isFree(webhook, row, since))
      // A batch has to be made first, for a place that may have become free just now.
      .filter((row) => row.class !== DELIVERY_CLASS.gathering || webhook.landedAt < since)
      .map(({ key }) => disk.deliveries.get(key));
    const id = due.find((row) => this.#isFree(webhook, since, row))?.id;
    if (id) this.#witness.breach(`${id} waits for ${time.now - since} ms, and nothing keeps it back`);
  }

  /** When it is to be sent; of what waits for company: when there is enough of it, or the first has waited for long enough. */
  #dueAt({ key, lane, dueAt, class: deliveryClass }: QueueRow): number {
    const { disk } = this.#witness;
    const batch = versionsOf(disk, lane).at(-1)?.config.batch;
    if (deliveryClass !== DELIVERY_CLASS.gathering || !batch) return dueAt;
    const typeOf = (row: QueueRow) => disk.events.get(disk.deliveries.get(row.key)?.event ?? '')?.type;
    const all = disk.queue.all().filter((row) => row.class === deliveryClass && isLane(row.lane, lane));
    const [own] = all.filter((row) => row.key === key);
    const group = all
      .filter((row) => own !== undefined && typeOf(row) === typeOf(own))
      .toSorted((a, b) => a.dueAt - b.dueAt || a.seq - b.seq);
    const first = Math.floor(group.findIndex((row) => row.key === key) / batch.size) * batch.size;
    const full = group[first + batch.size - 1];
    const since = disk.deliveries.get(group[first]?.key ?? '')?.createdAt ?? dueAt;
    return Math.min(full?.dueAt ?? Number.POSITIVE_INFINITY, since + batch.timeout * 1000);
  }

  #isCalm(webhook: WebhookFacts, since: number): boolean {
    const { disk } = this.#witness;
    const { lane, trouble } = webhook;
    if (this.#options.calmSince() >= since || webhook.isAway || webhook.changing || webhook.changedUntil > since)
      return false;
    const { config, deletedAt } = versionsOf(disk, lane).at(-1) ?? {};
    if (config === undefined || !config.active || deletedAt !== null || config.rate_limit !== null) return false;
    const hold = disk.holds.get(keyOf(lane.workspaceId, lane.webhookId))?.hold;
    if (hold && (hold.pausedAt !== null || hold.disabledAt !== null)) return false;
    if (this.#ledger.destinationOf(webhook)?.isGivenUp === true) return false;
    return trouble.isOver(since) && trouble.changedAt < since;
  }

  /** Nothing keeps this delivery back. */
  #isFree(webhook: WebhookFacts, since: number, row: DeliveryRow | undefined): boolean {
    const { attempts, lane } = webhook;
    const slots = versionsOf(this.#witness.disk, lane).at(-1)?.config.max_concurrency ?? 0;
    const destination = this.#ledger.destinationOf(webhook, row);
    if (destination === undefined || !destination.isFree(since) || destination.changedAt >= since) return false;
    // The slot that became free a moment ago may wait for what is being read.
    if (this.#witness.time.now - webhook.landedAt < this.#options.readsMs) return false;
    const inTheAir = [...attempts].filter(({ state }) => state !== 'landed').length;
    return inTheAir === 0 || (destination.circuit.state === 'closed' && inTheAir < slots);
  }

  #noteNeighbours(webhook: WebhookFacts): void {
    const before = this.#witness.time.now - PROMPT_MS;
    for (const other of this.#ledger.webhooks.values()) {
      const hangs = [...other.attempts].some(({ state, startedAt }) => state === 'open' && startedAt < before);
      if (other !== webhook && hangs) this.#witness.reached.note('a hung webhook beside a healthy one');
    }
  }
}
