import pg from 'pg';
import type { Clock } from '../../clock.ts';
import { textArray } from './array-parameter.ts';
import { KEEP_ALIVE, type Query } from './database.ts';

/** What a node can be told: that there is news of its lanes, or that shards are free. */
export type Ring = 'wakes' | 'shards';

/** At most so often a node rings, whatever happens: 20 times a second. */
const RING_EVERY_MS = 50;
const CONNECT_AGAIN_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;

const RING = `SELECT pg_notify(channel, ring) FROM unnest($1::text[], $2::text[]) AS r (channel, ring)`;

export interface BellOptions {
  url: string;
  nodeId: string;
  clock: Clock;
  /** Runs a statement in a transaction of its own. */
  query: Query;
  onRing: (ring: Ring) => void;
}

/**
 * Tells other nodes that something is there for them, and hears it from them, by LISTEN and NOTIFY. It only saves time: what
 * it tells of is in the database, and every beat looks there. So nothing is lost with a bell that does not ring, as behind a
 * pooler that gives each transaction another connection.
 */
export class Bell {
  readonly #options: BellOptions;
  #client: pg.Client | null = null;
  #cancelConnect: () => void = () => {};
  #stopped = false;
  readonly #rings = new Map<string, [nodeId: string, ring: Ring]>();
  #cancelRing: (() => void) | null = null;
  #rangAt = Number.NEGATIVE_INFINITY;

  constructor(options: BellOptions) {
    this.#options = options;
  }

  /** Begins to listen, and goes on trying for ever. */
  start(): void {
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelConnect();
    this.#cancelRing?.();
    await this.#ringNow();
    await this.#client?.end().catch(() => {});
  }

  /** Rings soon, once for all that is told meanwhile. */
  ring(nodeIds: readonly string[], ring: Ring): void {
    for (const nodeId of nodeIds) {
      if (nodeId !== this.#options.nodeId) this.#rings.set(`${nodeId} ${ring}`, [nodeId, ring]);
    }
    if (this.#rings.size === 0 || this.#cancelRing !== null || this.#stopped) return;
    const { clock } = this.#options;
    this.#cancelRing = clock.after(Math.max(0, this.#rangAt + RING_EVERY_MS - clock.monotonic()), () => {
      this.#cancelRing = null;
      void this.#ringNow();
    });
  }

  async #ringNow(): Promise<void> {
    const rings = [...this.#rings.values()];
    this.#rings.clear();
    if (rings.length === 0) return;
    const { clock, query } = this.#options;
    this.#rangAt = clock.monotonic();
    const channels = rings.map(([nodeId]) => channelOf(nodeId));
    await query(RING, [textArray(channels), textArray(rings.map(([, ring]) => ring))]).catch(() => {});
  }

  async #connect(): Promise<void> {
    const { url, nodeId, clock, onRing } = this.#options;
    const client = new pg.Client({
      connectionString: url,
      application_name: 'broxi-webhooks listen',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      ...KEEP_ALIVE,
    });
    const connectAgain = () => {
      if (this.#stopped || this.#client !== client) return;
      this.#client = null;
      this.#cancelConnect = clock.after(CONNECT_AGAIN_MS, () => void this.#connect());
    };
    this.#client = client;
    client.on('error', connectAgain).on('end', connectAgain);
    client.on('notification', ({ payload }) => {
      if (payload === 'wakes' || payload === 'shards') onRing(payload);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(channelOf(nodeId))}`);
      // What was rung before it listened.
      onRing('wakes');
    } catch {
      connectAgain();
      // A standby takes connections, and refuses to listen.
      await client.end().catch(() => {});
    }
  }
}

function channelOf(nodeId: string): string {
  return `broxi_${nodeId}`;
}
