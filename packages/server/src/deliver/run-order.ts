import type { Ordering } from '../domain/ordering.ts';
import type { QueuedDelivery } from '../store/store.ts';

/**
 * Which runs of a lane have a delivery in memory, and of which the head is to be read: so that of each run one delivery at a time
 * waits to be started, is in the air, or is being settled, whatever reads say meanwhile.
 *
 * ```
 *   free ──hold()──▶ held ──release()──▶ free, and to be looked at if another one was refused meanwhile
 *     │                │
 *     └────lookAt()────┴───▶ to be looked at ──take()──▶ its head is read
 * ```
 *
 * Runs are held also while the lane keeps no order, so that one that begins to knows what is in the air.
 */
export class RunOrder {
  /** What the webhook says; null: deliveries go whenever they can. */
  ordering: Ordering | null = null;
  /** By run; several only of what was started while no order was kept. */
  readonly #held = new Map<string, QueuedDelivery[]>();
  /** The run that a delivery holds, by its id. */
  readonly #runs = new Map<string, string>();
  /** Held runs of which another delivery was refused. */
  readonly #wanted = new Set<string>();
  readonly #toLookAt = new Set<string>();

  /** A delivery is in memory until it is released. */
  hold(delivery: QueuedDelivery): void {
    const { id, run } = delivery;
    if (run === null) return;
    this.#runs.set(id, run);
    this.#held.set(run, [...(this.#held.get(run) ?? []), delivery]);
  }

  /** A delivery is no longer in memory: it was settled, or dropped. */
  release(deliveryId: string): void {
    const run = this.#runs.get(deliveryId);
    if (run === undefined) return;
    this.#runs.delete(deliveryId);
    const others = (this.#held.get(run) ?? []).filter(({ id }) => id !== deliveryId);
    if (others.length > 0) this.#held.set(run, others);
    else this.#held.delete(run);
    if (others.length === 0 && this.#wanted.delete(run)) this.lookAt(run);
  }

  /** Whether the order is still this one. */
  isKeeping(ordering: Ordering | null): boolean {
    return this.ordering?.on_exhausted === ordering?.on_exhausted;
  }

  /** Whether what has this run goes in order with it. */
  keeps(run: string | null): run is string {
    return this.ordering !== null && run !== null;
  }

  /** What keeps a delivery from being taken into memory: another one of its run; undefined: nothing. */
  holderAgainst({ run }: Pick<QueuedDelivery, 'run'>): QueuedDelivery | undefined {
    return this.keeps(run) ? this.#held.get(run)?.[0] : undefined;
  }

  /** A delivery of this run was refused, or came in: its head is read, now or when the run is free. */
  want(run: string | null): void {
    if (!this.keeps(run)) return;
    if (this.#held.has(run)) this.#wanted.add(run);
    else this.lookAt(run);
  }

  /** The run may have another head than before. */
  lookAt(run: string | null): void {
    if (this.keeps(run)) this.#toLookAt.add(run);
  }

  /**
   * One of the run was put back, maybe before what is in memory of it. Where nothing is, what is read of its class finds it; so
   * however many are put back, no more is in memory.
   */
  lookIfHeld(run: string): void {
    if (this.#held.has(run)) this.lookAt(run);
  }

  /** How many runs are to be looked at. */
  get toLookAt(): number {
    return this.#toLookAt.size;
  }

  /** All is read again from the start, and the heads with it. */
  lookAtNone(): void {
    this.#toLookAt.clear();
  }

  /** Takes out runs whose heads are to be read now. */
  take(limit: number): string[] {
    const taken = [...this.#toLookAt].slice(0, limit);
    for (const run of taken) this.#toLookAt.delete(run);
    return taken;
  }
}
