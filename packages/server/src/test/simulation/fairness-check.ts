import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import type { AttemptFacts, WebhookFacts } from './facts.ts';
import type { RunCheck } from './run-check.ts';
import { type DeliveryRow, isLane, keyOf, type QueueRow } from './store/disk.ts';
import type { Witness } from './witness.ts';

/** News of what is due needs a moment to be read. */
const READ_WITHIN_MS = 1_000;

/**
 * First attempts, and the old ones (retries, and what was put back), share the slots of a webhook: while first ones wait, old ones
 * take a quarter at most, and one of four starts is theirs.
 */
export class FairnessCheck {
  readonly #witness: Witness;
  readonly #runs: RunCheck;
  /** Nothing kept the engine from reading what is due since then. */
  readonly #calmSince: () => number;
  /** First attempts that were started since the last old one, while one of those waited and had room. */
  readonly #inARow = new Map<WebhookFacts, number>();

  constructor(witness: Witness, runs: RunCheck, calmSince: () => number) {
    this.#witness = witness;
    this.#runs = runs;
    this.#calmSince = calmSince;
  }

  /** @param leadsThere of a delivery: it goes where this attempt went */
  started(attempt: AttemptFacts, leadsThere: (row: DeliveryRow | undefined) => boolean): void {
    const { webhook, versions, deliveryId, isProbe } = attempt;
    const { now } = this.#witness.time;
    const isCalm = this.#calmSince() + READ_WITHIN_MS < now && webhook.changedUntil + READ_WITHIN_MS < now;
    if (!isCalm || webhook.changing) return void this.#inARow.delete(webhook);
    const all = this.#waiting(attempt);
    const waiting = all.filter(({ key }) => leadsThere(this.#witness.disk.deliveries.get(key)));
    if (isProbe) {
      // A class is read on when nothing of it is at hand: what goes elsewhere may stand before the oldest one.
      const elsewhere = [...all.filter((row) => !waiting.includes(row)), ...othersInTheAir(attempt)];
      this.#probed(
        attempt,
        waiting.filter((row) => !elsewhere.some((other) => other.class === row.class)),
      );
      return;
    }
    const isOld = attempt.class !== DELIVERY_CLASS.first;
    const firstWait = waiting.some((row) => row.class === DELIVERY_CLASS.first);
    const oldWait = waiting.some((row) => row.class !== DELIVERY_CLASS.first);
    const slots = Math.max(...versions.map(({ config }) => config.max_concurrency));
    const room = Math.max(1, Math.floor(slots / 4));
    const old = [...webhook.attempts].filter((one) => one.class !== DELIVERY_CLASS.first);
    if (isOld) {
      this.#inARow.delete(webhook);
      const inTheAir = old.filter(({ state }) => state === 'open').length;
      if (!firstWait) return;
      this.#witness.reached.note('an old one was started beside first attempts that waited');
      if (inTheAir >= room)
        this.#witness.breach(
          `${deliveryId} is old, as ${inTheAir} in the air, where ${room} of ${slots} may be while first ones wait`,
        );
      return;
    }
    const isRoom = old.filter(({ state }) => state !== 'landed').length < room;
    if (!oldWait || !isRoom) return void this.#inARow.delete(webhook);
    this.#witness.reached.note('a retry waited beside first attempts');
    const inARow = (this.#inARow.get(webhook) ?? 0) + 1;
    this.#inARow.set(webhook, inARow);
    if (inARow > 3)
      this.#witness.breach(`${deliveryId} was the first attempt number ${inARow} in a row while an old one waited`);
  }

  /** An open circuit is probed with the one that has been due for longest. */
  #probed({ webhook, deliveryId }: AttemptFacts, waiting: readonly QueueRow[]): void {
    this.#inARow.delete(webhook);
    const probe = this.#witness.disk.queue.get(keyOf(webhook.lane.workspaceId, deliveryId));
    // What several nodes take in at the same time has no order between them.
    const besideMs = this.#witness.disk.isShared ? READ_WITHIN_MS : 0;
    const older = waiting.find((row) => probe && (row.dueAt + besideMs - probe.dueAt || row.seq - probe.seq) < 0);
    const id = older && this.#witness.disk.deliveries.get(older.key)?.id;
    if (id) this.#witness.breach(`${deliveryId} is the probe of an open circuit, and ${id} has been due for longer`);
  }

  crashed(): void {
    this.#inARow.clear();
  }

  /** What has been due for long enough to be known, and is not in the air. */
  #waiting({ webhook, deliveryId }: AttemptFacts): QueueRow[] {
    const { disk, time } = this.#witness;
    const { workspaceId } = webhook.lane;
    const busy = new Set([...webhook.attempts].map((one) => keyOf(workspaceId, one.deliveryId)));
    busy.add(keyOf(workspaceId, deliveryId));
    return disk.queue
      .all()
      .filter((row) => row.class !== DELIVERY_CLASS.gathering && isLane(row.lane, webhook.lane))
      .filter((row) => row.dueAt <= time.now - READ_WITHIN_MS && !busy.has(row.key))
      .filter((row) => this.#runs.isFree(webhook, row, time.now - READ_WITHIN_MS));
  }
}

function othersInTheAir({ webhook, destination }: AttemptFacts): AttemptFacts[] {
  return [...webhook.attempts].filter((other) => other.destination !== destination);
}
