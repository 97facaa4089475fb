import type { Clock } from '../../clock.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { OwnershipListener } from '../store.ts';
import { bigintArray } from './array-parameter.ts';
import { firstOf, type Query } from './database.ts';
import { planShards, SHARDS, shardOf } from './shards.ts';

/** A beat is one statement. */
const BEAT_MS = 2_000;
/** After one that failed, or changed something. */
const SOON_MS = 500;
/** From a beat on. Whoever dies is replaced within this and one beat more. */
const EXPIRES_MS = 8_000;
/** A node stops so much earlier than others may begin, should its monotonic clock be slow. */
const MARGIN_MS = 1_000;
/** Any number, as long as nobody else takes it: whoever takes shards does it alone. */
const TAKING_LOCK = 7_304_912;

/** Renews the node, and shows who is alive and who owns what. Parameters: node, milliseconds, whether it may own, its shards. */
const BEAT = `
  WITH renewed AS (
    INSERT INTO broxi.nodes (id, expires_at) SELECT $1, clock_timestamp() + $2 * interval '1 millisecond' WHERE $3
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
  )
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
    ARRAY(SELECT id FROM broxi.nodes WHERE expires_at > clock_timestamp()) AS nodes,
    ARRAY(SELECT node_id FROM broxi.shards ORDER BY number) AS owners,
    EXISTS (SELECT 1 FROM broxi.wakes WHERE shard = ANY ($4::bigint[])) AS has_wakes`;

/** What nobody alive has. In a later statement than the lock: so it sees whoever took something before. */
const TAKE = `
  UPDATE broxi.shards s SET node_id = $1
  WHERE number = ANY ($2::bigint[]) AND NOT EXISTS (
    SELECT 1 FROM broxi.nodes n WHERE n.id = s.node_id AND n.id <> $1 AND n.expires_at > clock_timestamp())
  RETURNING number::bigint`;

const GIVE_UP = 'UPDATE broxi.shards SET node_id = NULL WHERE node_id = $1 AND number = $2';

const RESIGN = `
  WITH gone AS (DELETE FROM broxi.nodes WHERE id = $1 OR expires_at < clock_timestamp() - interval '1 day')
  UPDATE broxi.shards SET node_id = NULL WHERE node_id = $1`;

export interface MembershipOptions {
  nodeId: string;
  /** A node that sends nothing looks at the others, and owns nothing. */
  isOwner: boolean;
  /** What the node's own time is measured with. */
  clock: Clock;
  /** Runs a statement in a transaction of its own. */
  query: Query;
  transact: <Result>(work: (query: Query) => Promise<Result>) => Promise<Result>;
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
  #owners: readonly (string | null)[] = Array.from({ length: SHARDS }, () => null);
  #others: readonly string[] = [];
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
    await this.#options.query(RESIGN, [this.#options.nodeId]).then(this.#options.onShardsFree, () => {});
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
    const { clock, query, nodeId: me, isOwner, onBeat } = this.#options;
    const askedAt = clock.monotonic();
    // What is given up before the answer comes is shown as this node's, and is not any more.
    const leaving = new Set(this.#leaving);
    const beat = firstOf(await query<Beat>(BEAT, [me, EXPIRES_MS, isOwner, bigintArray([...this.#owned])]));
    if (beat === null) throw new Error('a beat is answered');
    const { owners } = beat;
    this.#owners = owners;
    this.#others = beat.nodes.filter((node) => node !== me);
    onBeat({ databaseNow: beat.now, askedAt, hasWakes: beat.has_wakes });
    if (!isOwner || this.#stopped) return true;
    this.#renewed(askedAt + EXPIRES_MS - MARGIN_MS);
    const { take, giveUp } = planShards({ me, nodes: [me, ...this.#others], owners });
    const taken = take.length === 0 ? [] : await this.#take(take);
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

  async #take(numbers: readonly number[]): Promise<number[]> {
    const rows = await this.#options.transact(async (query) => {
      await query('SELECT pg_advisory_xact_lock($1)', [TAKING_LOCK]);
      return await query<{ number: number }>(TAKE, [this.#options.nodeId, bigintArray(numbers)]);
    });
    return rows.map(({ number }) => number);
  }

  /** What is had from now on; tells of the differences. */
  #own(owned: ReadonlySet<number>): void {
    const { listener, onError } = this.#options;
    const before = this.#owned;
    this.#owned = owned;
    const gone = new Set([...before].filter((number) => !owned.has(number)));
    const fresh = new Set([...owned].filter((number) => !before.has(number)));
    if (gone.size > 0) listener.letGo(isIn(gone)).catch(onError);
    if (fresh.size > 0) listener.gained(isIn(fresh));
  }

  /** Gives a shard up as soon as nothing of it is in the air. */
  #leave(number: number): void {
    const { listener, query, nodeId, onError, onShardsFree } = this.#options;
    this.#leaving.add(number);
    this.#owned = new Set([...this.#owned].filter((each) => each !== number));
    listener
      .letGo(isIn(new Set([number])))
      .then(() => query(GIVE_UP, [nodeId, number]))
      .then(onShardsFree, onError)
      .finally(() => this.#leaving.delete(number));
  }
}

interface Beat {
  now: number;
  nodes: string[];
  owners: (string | null)[];
  has_wakes: boolean;
}

function isIn(shards: ReadonlySet<number>): (lane: Lane) => boolean {
  return (lane) => shards.has(shardOf(lane));
}
