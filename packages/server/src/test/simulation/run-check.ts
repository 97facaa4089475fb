import type { Ordering } from '../../domain/ordering.ts';
import type { AttemptFacts, WebhookFacts } from './facts.ts';
import { type DeliveryRow, isLane, keyOf, type QueueRow } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import type { Witness } from './witness.ts';

/** News of what was put back needs a moment to be read. */
const READ_WITHIN_MS = 1_000;

/**
 * Of one run, deliveries to a webhook that keeps the order go one after the other, as they were taken in: the next one when the
 * outcome of the one before it is on disk, and none behind one that failed, where that blocks.
 */
export class RunCheck {
  readonly #witness: Witness;
  /** Nothing kept the engine from hearing of what was put back since then. */
  readonly #calmSince: () => number;
  /** When it may have become the turn of another one, by webhook and run. */
  readonly #changedAt = new Map<string, number>();
  /** Deliveries that a person is cancelling. */
  readonly #cancelling = new Set<string>();

  constructor(witness: Witness, calmSince: () => number) {
    this.#witness = witness;
    this.#calmSince = calmSince;
  }

  started({ deliveryId, webhook, versions }: AttemptFacts, row: DeliveryRow | undefined): void {
    const orders = versions.flatMap(({ config }) => config.ordering ?? []);
    if (row === undefined || row.run === null || orders.length < versions.length) return;
    const breach = (what: string) => this.#witness.breach(`${deliveryId} of ${row.run} was sent ${what}`);
    const beside = this.#inTheAir(webhook, row);
    if (beside !== undefined) breach(`beside ${beside} of the same run`);
    const blocks = orders.every(({ on_exhausted: policy }) => policy === 'block');
    for (const before of this.#before(row)) {
      if (before.state === 'pending' && this.#isKnown(webhook, before)) breach(`before ${before.id}, which waits`);
      if (before.state === 'failed' && blocks) breach(`although ${before.id} before it failed`);
      if (before.state === 'failed' && !blocks) this.#witness.reached.note('a run went on behind one that failed');
      // What several nodes see of their database is there for good.
      if (before.state === 'cancelled' && this.#cancelling.has(before.id) && !this.#witness.disk.isShared)
        breach(`before the cancelling of ${before.id} is on disk`);
    }
    const { reached } = this.#witness;
    const behind = this.#run(row).filter(({ seq, state }) => seq > row.seq && state !== 'failed');
    if (behind.some(({ state }) => state === 'pending')) {
      if (row.class === 0) reached.note('a run waited for its first one');
      if (row.class === 1) reached.note('a run waited for a retry');
      if (row.class === 2) reached.note('one that was put back went before what came after it');
    }
  }

  /** Something became of a delivery: it may be the turn of another one. */
  changed(row: DeliveryRow | undefined): void {
    if (row !== undefined && row.run !== null) this.#changedAt.set(runKey(row), this.#witness.time.now);
  }

  /** A person cancels a delivery. @returns to be called when that is over */
  cancelling(row: DeliveryRow | undefined): () => void {
    if (row === undefined) return () => {};
    this.#cancelling.add(row.id);
    return () => {
      this.#cancelling.delete(row.id);
      this.changed(row);
    };
  }

  crashed(): void {
    this.#cancelling.clear();
  }

  /** Its run does not keep back what waits, and did not since then. */
  isFree(webhook: WebhookFacts, { key }: QueueRow, since: number): boolean {
    const row = this.#witness.disk.deliveries.get(key);
    const ordering = this.#orderingOf(webhook);
    if (row === undefined || row.run === null || ordering === null) return true;
    if (this.#inTheAir(webhook, row) !== undefined || (this.#changedAt.get(runKey(row)) ?? 0) > since) return false;
    return this.#before(row).every(
      ({ id, state }) => state !== 'pending' && !isBlocking(state, ordering) && !this.#cancelling.has(id),
    );
  }

  /** What failed and keeps back a delivery that waits; undefined: nothing does. */
  blockerOf(webhook: WebhookFacts, { key }: QueueRow): DeliveryRow | undefined {
    const row = this.#witness.disk.deliveries.get(key);
    const ordering = this.#orderingOf(webhook);
    if (row === undefined || ordering === null) return undefined;
    return this.#before(row).find(({ state }) => isBlocking(state, ordering));
  }

  #orderingOf({ lane }: WebhookFacts): Ordering | null {
    return versionsOf(this.#witness.disk, lane).at(-1)?.config.ordering ?? null;
  }

  /** It is on disk, and has been put back for long enough to be known where it was. */
  #isKnown({ changedUntil }: WebhookFacts, { class: deliveryClass, dueAt }: DeliveryRow): boolean {
    // Nodes that take in events at the same time have no order between them.
    const isNew = deliveryClass === 0 && this.#witness.disk.isShared;
    if (deliveryClass !== 2 && !isNew) return true;
    const { now } = this.#witness.time;
    return Math.max(this.#calmSince(), changedUntil, dueAt ?? now) + READ_WITHIN_MS < now;
  }

  /** Another one of its run that is not settled. */
  #inTheAir({ attempts, lane }: WebhookFacts, row: DeliveryRow): string | undefined {
    const others = [...attempts].filter(({ deliveryId, isTest }) => deliveryId !== row.id && !isTest);
    return others.find(({ deliveryId }) => {
      return this.#witness.disk.deliveries.get(keyOf(lane.workspaceId, deliveryId))?.run === row.run;
    })?.deliveryId;
  }

  #before(row: DeliveryRow): DeliveryRow[] {
    return this.#run(row).filter(({ seq }) => seq < row.seq);
  }

  /** The other deliveries of its run. */
  #run({ lane, run, seq }: DeliveryRow): DeliveryRow[] {
    if (run === null) return [];
    const all = this.#witness.disk.deliveries.all();
    return all.filter((each) => each.run === run && each.seq !== seq && isLane(each.lane, lane));
  }
}

function isBlocking(state: string, { on_exhausted: policy }: Ordering): boolean {
  return state === 'failed' && policy === 'block';
}

function runKey({ lane, run }: DeliveryRow): string {
  return keyOf(lane.workspaceId, lane.webhookId, run ?? '');
}
