import type { Clock } from '../../clock.ts';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { Ownership, OwnershipListener, Wake } from '../store.ts';
import { Bell } from './bell.ts';
import { limits, openPool, type Query, queryOn } from './database.ts';
import { translate } from './errors.ts';
import { Membership } from './membership.ts';
import type { Transaction } from './transaction.ts';
import { addWakes, takeWakes } from './wake-rows.ts';

const BEGIN = `BEGIN; SELECT ${limits({ statement: 4_000, lock: 3_000, idle: 4_000 })}`;
/** A beat that takes longer is too late; the next one has another connection. */
const ANSWER_TIMEOUT_MS = 5_000;

export interface ClusterOptions {
  url: string;
  isOwner: boolean;
  /** What the node's own time is measured with. */
  clock: Clock;
  onWake: (wakes: readonly Wake[]) => void;
  /** What the database's clock says. @param reading.askedAt on the monotonic clock */
  onTime: (reading: { databaseNow: number; askedAt: number }) => void;
  onError: (error: unknown) => void;
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
  readonly nodeId = newId('node');
  readonly #options: ClusterOptions;
  readonly #pool;
  readonly #membership: Membership;
  readonly #bell: Bell;
  #listener: OwnershipListener = { gained: () => {}, letGo: async () => {} };
  #taking: Promise<void> | null = null;
  #takeAgain = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { url, isOwner, clock, onTime, onError } = options;
    const { nodeId } = this;
    // Of its own, so that no commit and no list holds up the beat.
    this.#pool = openPool(url, 2, ANSWER_TIMEOUT_MS);
    const query: Query = async (text, values = []) => {
      try {
        return (await this.#pool.query(text, [...values])).rows;
      } catch (error) {
        throw translate(error);
      }
    };
    this.#membership = new Membership({
      ...{ nodeId, isOwner, clock, query, onError },
      transact: (work) => this.#transact(work),
      listener: {
        gained: (isGained) => this.#listener.gained(isGained),
        letGo: (isLost) => this.#listener.letGo(isLost),
      },
      onBeat: ({ hasWakes, ...reading }) => {
        onTime(reading);
        if (hasWakes) this.#take();
      },
      onShardsFree: () => this.#bell.ring(this.#membership.others, 'shards'),
    });
    this.#bell = new Bell({
      ...{ url, nodeId, clock, query },
      onRing: (ring) => (ring === 'wakes' ? this.#take() : this.#membership.beatSoon()),
    });
  }

  async start(): Promise<void> {
    await this.#membership.start();
    if (this.#options.isOwner) this.#bell.start();
  }

  async stop(): Promise<void> {
    await this.#membership.stop();
    await this.#taking;
    await this.#bell.stop();
    await this.#pool.end();
  }

  owns(lane: Lane): boolean {
    return this.#membership.owns(lane);
  }

  onOwnership(listener: OwnershipListener): void {
    this.#listener = listener;
  }

  /** Writes the news for other nodes with what it tells of. */
  async beforeCommit(tx: Transaction): Promise<void> {
    const forOthers = tx.wakes.all.filter(({ lane }) => !this.owns(lane));
    tx.toldOthers = new Set(forOthers);
    if (forOthers.length > 0) await addWakes(tx.query, forOthers);
  }

  /** Tells of what was committed. */
  afterCommit(tx: Transaction): void {
    const wakes = tx.wakes.take();
    const [own, others] = [true, false].map((isOwn) => wakes.filter(({ lane }) => this.owns(lane) === isOwn));
    const late = (others ?? []).filter((wake) => !tx.toldOthers.has(wake));
    const told = () => this.#ringFor(others ?? []);
    if (late.length === 0) told();
    // What cannot be written is found by a sweep.
    else this.#transact((query) => addWakes(query, late)).then(told, this.#options.onError);
    if (own !== undefined && own.length > 0) this.#options.onWake(own);
  }

  #ringFor(wakes: readonly Wake[]): void {
    const owners = new Set(wakes.map(({ lane }) => this.#membership.ownerOf(lane)));
    // Where the latest beat shows nobody, or this node, which gave it up since: one of the others has it, or takes it next.
    const isKnown = !owners.has(null) && !owners.has(this.nodeId);
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
    const wakes = await this.#transact((query) => takeWakes(query, this.nodeId, owned));
    if (wakes.length > 0) this.#options.onWake(wakes);
  }

  async #transact<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw translate(error);
    });
    try {
      await client.query(BEGIN);
      const result = await work(queryOn(client));
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw translate(error);
    }
  }
}
