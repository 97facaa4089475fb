import type { Clock } from '../../clock.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { Ownership, OwnershipListener, Wake } from '../store.ts';
import type { Bell, Ring } from './bell.ts';
import { Membership } from './membership.ts';
import type { SharedTables } from './shared-tables.ts';

export interface ClusterOptions {
  nodeId: string;
  isOwner: boolean;
  /** What the node's own time is measured with. */
  clock: Clock;
  tables: SharedTables;
  openBell: (onRing: (ring: Ring) => void) => Pick<Bell, 'start' | 'ring' | 'stop'>;
  onWake: (wakes: readonly Wake[]) => void;
  /** What the database's clock says. @param reading.askedAt on the monotonic clock */
  onTime: (reading: { databaseNow: number; askedAt: number }) => void;
  onError: (error: unknown) => void;
}

/** News of a transaction. */
export interface Announcement {
  /** What is to be written with what it tells of. */
  forOthers: readonly Wake[];
  /** Tells of all of it. */
  committed: () => void;
}

/**
 * This node among those that share the database: what it owns, and the news between them.
 *
 * News of a lane that this node owns is told in memory, after the commit. For the lane of another a row of `wakes` is
 * committed with what it tells of, and its owner's bell is rung. Who owns the lane is looked at before the commit and again
 * after it: if it was given up, or lapsed, in between, the next owner may have looked at the queue before the commit was
 * there, so a row is written then. Whoever takes a shard over later finds everything by its first sweep.
 */
export class Cluster implements Ownership {
  readonly #options: ClusterOptions;
  readonly #membership: Membership;
  readonly #bell: Pick<Bell, 'start' | 'ring' | 'stop'>;
  #listener: OwnershipListener = { gained: () => {}, letGo: async () => {} };
  #taking: Promise<void> | null = null;
  #takeAgain = false;
  /** News for others that could not be written yet. */
  #unwritten: readonly Wake[] = [];

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { nodeId, isOwner, clock, tables, openBell, onTime, onError } = options;
    this.#membership = new Membership({
      ...{ nodeId, isOwner, clock, tables, onError },
      listener: {
        gained: (isGained) => this.#listener.gained(isGained),
        letGo: (isLost) => this.#listener.letGo(isLost),
      },
      onBeat: ({ hasWakes, ...reading }) => {
        onTime(reading);
        this.#catchUp();
        if (hasWakes) this.#take();
      },
      onShardsFree: () => this.#bell.ring(this.#membership.others, 'shards'),
    });
    this.#bell = openBell((ring) => (ring === 'wakes' ? this.#take() : this.#membership.beatSoon()));
  }

  async start(): Promise<void> {
    await this.#membership.start();
    if (this.#options.isOwner) this.#bell.start();
  }

  async stop(): Promise<void> {
    await this.#membership.stop();
    await this.#taking;
    await this.#bell.stop();
    await this.#options.tables.close();
  }

  owns(lane: Lane): boolean {
    return this.#membership.owns(lane);
  }

  onOwnership(listener: OwnershipListener): void {
    this.#listener = listener;
  }

  /**
   * Looks at the news of a transaction that is about to be committed: that for other nodes is written with what it tells of. That
   * a webhook was changed is always written: no sweep finds it, should the lane go away, and this process end, before its new
   * owner can be told.
   */
  announce(wakes: readonly Wake[]): Announcement {
    const own = new Set(wakes.filter(({ lane }) => this.owns(lane)));
    const forOthers = wakes.filter((wake) => wake.changed || !own.has(wake));
    const { losses } = this.#membership;
    return { forOthers, committed: () => this.#tell(wakes, { own, losses }) };
  }

  /** @param before whose the lanes were before the commit */
  #tell(wakes: readonly Wake[], before: { own: ReadonlySet<Wake>; losses: number }): void {
    const own = wakes.filter(({ lane }) => this.owns(lane));
    const others = wakes.filter((wake) => !own.includes(wake));
    const isLate = (wake: Wake) => before.own.has(wake) && !wake.changed;
    this.#ringFor(others.filter((wake) => !isLate(wake)));
    this.#addLate(others.filter(isLate));
    // Where a lane was another's meanwhile, that one may have sent what is handed over.
    const isOwnStill = (wake: Wake) => before.own.has(wake) && before.losses === this.#membership.losses;
    const heard = own.map((wake) => (isOwnStill(wake) ? wake : { ...wake, handedOver: null }));
    if (heard.length > 0) this.#options.onWake(heard);
  }

  /** Writes news of what is committed already; with the next beat that is answered, if that cannot be now. */
  #addLate(wakes: readonly Wake[]): void {
    if (wakes.length === 0) return;
    this.#options.tables.addWakes(wakes).then(
      () => this.#ringFor(wakes),
      (error: unknown) => {
        this.#unwritten = [...this.#unwritten, ...wakes];
        this.#options.onError(error);
      },
    );
  }

  #catchUp(): void {
    const unwritten = this.#unwritten;
    this.#unwritten = [];
    this.#addLate(unwritten);
  }

  #ringFor(wakes: readonly Wake[]): void {
    if (wakes.length === 0) return;
    const owners = new Set(wakes.map(({ lane }) => this.#membership.ownerOf(lane)));
    // Where the latest beat shows nobody, or this node, which gave it up since: one of the others has it, or takes it next.
    const isKnown = !owners.has(null) && !owners.has(this.#options.nodeId);
    this.#bell.ring(isKnown ? [...owners].filter((owner) => owner !== null) : this.#membership.others, 'wakes');
    // It may have come to this node meanwhile.
    if (!isKnown) this.#take();
  }

  /** Takes the news that others left; once more if it is asked to meanwhile. */
  #take(): void {
    if (this.#taking !== null) {
      this.#takeAgain = true;
      return;
    }
    this.#takeAgain = false;
    this.#taking = this.#takeOnce()
      .catch(this.#options.onError)
      .finally(() => {
        this.#taking = null;
        if (this.#takeAgain) this.#take();
      });
  }

  async #takeOnce(): Promise<void> {
    const { owned } = this.#membership;
    if (owned.length === 0) return;
    const { nodeId, tables, onWake } = this.#options;
    await tables.takeWakes(nodeId, owned, (wakes) => {
      if (wakes.length > 0) onWake(wakes);
    });
  }
}
