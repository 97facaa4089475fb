import type { Clock } from '../../clock.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { OwnershipListener } from '../store.ts';
import { planShards, SHARDS, shardOf } from './shards.ts';
import type { SharedTables } from './shared-tables.ts';

/** A beat is one statement. */
const BEAT_MS = 2_000;
/** After one that failed, or changed something. */
const SOON_MS = 500;
/** From a beat on. Whoever dies is replaced within this and one beat more. */
const EXPIRES_MS = 8_000;
/** A node stops so much earlier than others may begin, should its monotonic clock be slow. */
const MARGIN_MS = 1_000;
/** So long a shard may be given up after that was asked for: less than its answer is waited for. */
const GIVE_UP_WITHIN_MS = 4_000;

export interface MembershipOptions {
  nodeId: string;
  /** A node that sends nothing looks at the others, and owns nothing. */
  isOwner: boolean;
  /** What the node's own time is measured with. */
  clock: Clock;
  tables: Pick<SharedTables, 'beat' | 'take' | 'giveUp' | 'resign'>;
  listener: OwnershipListener;
  /** Told of each beat that was answered. @param beat.askedAt on the monotonic clock */
  onBeat: (beat: { databaseNow: number; askedAt: number; hasWakes: boolean }) => void;
  /** Some are free now: the others should look. */
  onShardsFree: () => void;
  onError: (error: unknown) => void;
}

/**
 * Which shards of lanes this node owns.
 *
 * ```
 *   nobody's ──take──▶ owned ──no beat succeeds in time──▶ lapsed ──a beat──▶ owned, if nobody took it
 *      ▲                 │ more than its share               │
 *      └── given up ◀── leaving: what is in the air lands    └──▶ another's
 * ```
 *
 * A node is alive as long as its row in `nodes` has not expired, by the database's clock. Every beat renews it, and looks at
 * who is alive and who owns what. What nobody alive owns is taken; what a node has more of than its share it gives up.
 *
 * Nobody sends by two clocks: a node reckons from the moment at which it asked to be renewed, on its own monotonic clock, and
 * stops before the database lets anybody else begin. `owns` is looked at before each start, so a process that slept through
 * its time starts nothing when it wakes up.
 */
export class Membership {
  readonly #options: MembershipOptions;
  /** Shards that are this node's, but for those that it is leaving. */
  #owned: ReadonlySet<number> = new Set();
  readonly #leaving = new Set<number>();
  /** How often something was lost, or given up: as long as that is the same, no other node had what this one owns. */
  losses = 0;
  #owners: readonly (string | null)[] = Array.from({ length: SHARDS }, () => null);
  #others: readonly string[] = [];
  /** What the database's clock showed when the latest beat was answered, or before, and when that was on the monotonic clock. */
  #seen = { databaseNow: 0, answeredAt: 0 };
  /** On the monotonic clock. */
  #aliveUntil = Number.NEGATIVE_INFINITY;
  #beating: Promise<void> | null = null;
  #cancelBeat: () => void = () => {};
  #cancelLapse: () => void = () => {};
  /** The latest beat failed, and that was told. */
  #isFailing = false;
  #stopped = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Shards whose news is this node's to take. */
  get owned(): readonly number[] {
    return this.#isAlive ? [...this.#owned] : [];
  }

  /** The other nodes that were alive at the last beat. */
  get others(): readonly string[] {
    return this.#others;
  }

  owns(lane: Lane): boolean {
    return this.#isAlive && this.#owned.has(shardOf(lane));
  }

  /** Who owned a lane at the last beat; null: nobody. */
  ownerOf(lane: Lane): string | null {
    return this.#owners[shardOf(lane)] ?? null;
  }

  /** The first beat. @throws if the database cannot be asked */
  async start(): Promise<void> {
    await this.#beat();
    this.#plan(BEAT_MS);
  }

  /** Beats at once: something changed. */
  beatSoon(): void {
    this.#plan(0);
  }

  /** Gives up everything; for when nothing is in the air any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelBeat();
    this.#cancelLapse();
    await this.#beating;
    this.#owned = new Set();
    // If the database cannot be told, the others find out when this node's time is over.
    await this.#options.tables.resign(this.#options.nodeId).then(this.#options.onShardsFree, () => {});
  }

  get #isAlive(): boolean {
    return this.#options.clock.monotonic() < this.#aliveUntil;
  }

  #plan(delayMs: number): void {
    this.#cancelBeat();
    // One that is under way plans the next one when it ends.
    if (this.#stopped || this.#beating !== null) return;
    this.#cancelBeat = this.#options.clock.after(delayMs, () => {
      const ended = (nextMs: number) => {
        this.#beating = null;
        this.#plan(nextMs);
      };
      this.#beating = this.#beat().then(
        (isSettled) => {
          this.#isFailing = false;
          ended(isSettled ? BEAT_MS : SOON_MS);
        },
        (error: unknown) => {
          if (!this.#isFailing) this.#options.onError(error);
          this.#isFailing = true;
          ended(SOON_MS);
        },
      );
    });
  }

  /** @returns whether there was nothing to take or to give up */
  async #beat(): Promise<boolean> {
    const { clock, tables, nodeId: me, isOwner, onBeat } = this.#options;
    const askedAt = clock.monotonic();
    // What is given up before the answer comes is shown as this node's, and is not any more.
    const leaving = new Set(this.#leaving);
    const beat = await tables.beat({ id: me, isOwner, expiresMs: EXPIRES_MS, owned: [...this.#owned] });
    const { owners } = beat;
    this.#seen = { databaseNow: beat.now, answeredAt: clock.monotonic() };
    this.#owners = owners;
    this.#others = beat.nodes.filter((node) => node !== me);
    onBeat({ databaseNow: beat.now, askedAt, hasWakes: beat.hasWakes });
    if (!isOwner || this.#stopped) return true;
    // What an answer brought that came too late, as to a process that was asleep, may be another's by now.
    if (!this.#isAlive) this.#own(new Set());
    this.#renewed(askedAt + EXPIRES_MS - MARGIN_MS);
    const { take, giveUp } = planShards({ me, nodes: [me, ...this.#others], owners });
    const taken = take.length === 0 ? [] : await tables.take(me, take);
    const mine = owners.flatMap((owner, number) => (owner === me ? [number] : []));
    const isLeft = (number: number) => leaving.has(number) || this.#leaving.has(number);
    this.#own(new Set([...mine, ...taken].filter((number) => !isLeft(number))));
    for (const number of giveUp) if (!isLeft(number)) this.#leave(number);
    return take.length + giveUp.length === 0;
  }

  #renewed(aliveUntil: number): void {
    const { clock } = this.#options;
    this.#aliveUntil = aliveUntil;
    this.#cancelLapse();
    // All of it may be another's by then; the next beat that succeeds shows what is not.
    this.#cancelLapse = clock.after(aliveUntil - clock.monotonic(), () => this.#own(new Set()));
  }

  /** What is had from now on; tells of the differences. */
  #own(owned: ReadonlySet<number>): void {
    const { listener, onError } = this.#options;
    const before = this.#owned;
    this.#owned = owned;
    const gone = new Set([...before].filter((number) => !owned.has(number)));
    const fresh = new Set([...owned].filter((number) => !before.has(number)));
    if (gone.size > 0) {
      this.losses += 1;
      listener.letGo(isIn(gone)).catch(onError);
    }
    if (fresh.size > 0) listener.gained(isIn(fresh));
  }

  /**
   * Gives a shard up as soon as nothing of it is in the air. Should the network bring that to the database when this node has
   * stopped waiting, and goes on with the shard, it must do nothing there.
   */
  #leave(number: number): void {
    const { clock, listener, tables, nodeId, onError, onShardsFree } = this.#options;
    const by = () => this.#seen.databaseNow + (clock.monotonic() - this.#seen.answeredAt) + GIVE_UP_WITHIN_MS;
    this.#leaving.add(number);
    this.losses += 1;
    this.#owned = new Set([...this.#owned].filter((each) => each !== number));
    listener
      .letGo(isIn(new Set([number])))
      .then(() => tables.giveUp(nodeId, number, by()))
      .then(onShardsFree, onError)
      .finally(() => this.#leaving.delete(number));
  }
}

function isIn(shards: ReadonlySet<number>): (lane: Lane) => boolean {
  return (lane) => shards.has(shardOf(lane));
}
