import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../clock.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../../test/wait-until.ts';
import type { Store, Wake } from '../store.ts';
import { createVault } from '../vault.ts';
import { openPostgresStore, type PostgresStoreOptions } from './open-postgres-store.ts';

const vault = createVault(randomBytes(32));
export const LANES: readonly Lane[] = Array.from({ length: 300 }, (_, i) => ({
  workspaceId: 'ws_1',
  webhookId: `wh_${i}`,
}));
export const REBALANCED_MS = 10_000;

/** Nodes on a database of their own. */
export class Nodes {
  readonly url: string;
  readonly #postgres: ThrowawayPostgres;
  readonly #open = new Set<Store>();

  private constructor(postgres: ThrowawayPostgres, url: string) {
    this.#postgres = postgres;
    this.url = url;
  }

  static async begin(postgres: ThrowawayPostgres): Promise<Nodes> {
    return new Nodes(postgres, await postgres.createDatabase());
  }

  async open(options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
    const store = await openPostgresStore({ url: this.url, vault, clock: systemClock, ...options });
    this.#open.add(store);
    return store;
  }

  async close(store: Store): Promise<void> {
    this.#open.delete(store);
    await store.close();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#open].map((store) => store.close()));
  }

  query<Row extends object>(text: string): Promise<Row[]> {
    return this.#postgres.query<Row>(text, this.url);
  }
}

export function ownedBy(store: Store): Lane[] {
  return LANES.filter((lane) => store.owns(lane));
}

export function laneOf(store: Store): Lane {
  const [lane] = ownedBy(store);
  assert.ok(lane, 'it owns something');
  return lane;
}

/** Every lane has an owner, and each of these has about as many as the others. */
export async function rebalanced(stores: readonly Store[]): Promise<void> {
  const isFair = async () => {
    const counts = stores.map((store) => ownedBy(store).length);
    const sum = counts.reduce((total, count) => total + count, 0);
    assert.ok(sum <= LANES.length, 'no lane has two owners');
    return sum === LANES.length && Math.min(...counts) > LANES.length / stores.length / 2;
  };
  await waitUntil('lanes are shared fairly', isFair, REBALANCED_MS);
}

export function wakesOf(store: Store): Wake[] {
  const heard: Wake[] = [];
  store.onWake((wakes) => heard.push(...wakes));
  return heard;
}
