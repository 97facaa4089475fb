import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type Clock, systemClock } from '../../clock.ts';
import { Engine } from '../../deliver/engine.ts';
import { NO_TIMING } from '../../deliver/exchange-timing.ts';
import type { SendRequest } from '../../deliver/send-request.ts';
import type { Lane } from '../../domain/webhook.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../../test/wait-until.ts';
import { plannedEvent, sampleChange, sampleConfig, submission } from '../conformance/samples.ts';
import type { Store } from '../store.ts';
import { createVault } from '../vault.ts';
import { openPostgresStore } from './open-postgres-store.ts';

const vault = createVault(randomBytes(32));
const LANES: readonly Lane[] = Array.from({ length: 40 }, (_, i) => ({ workspaceId: 'ws_1', webhookId: `wh_${i}` }));
/** As one minute's sweep would find everything anyway: what is asserted must be there long before. */
const PROMPT_MS = 20_000;

/** A request that a receiver got. */
interface Sent {
  node: string;
  deliveryId: string;
  host: string;
  from: number;
  to: number;
}

/** A node that sends for real, to receivers that answer after a moment. */
class Node {
  readonly store: Store;
  readonly #engine: Engine;

  private constructor(store: Store, engine: Engine) {
    this.store = store;
    this.#engine = engine;
  }

  static async start(name: string, { url, sent }: { url: string; sent: Sent[] }): Promise<Node> {
    const clock: Clock = systemClock;
    const errors: unknown[] = [];
    const store = await openPostgresStore({ url, vault, clock, onError: (error) => errors.push(error) });
    const send: SendRequest = async ({ url: { host }, headers }) => {
      const deliveryId = String(headers[headers.indexOf('x-broxi-delivery-id') + 1]);
      const request = { node: name, deliveryId, host, from: clock.monotonic(), to: Number.POSITIVE_INFINITY };
      sent.push(request);
      await new Promise<void>((resolve) => clock.after(5, resolve));
      request.to = clock.monotonic();
      return {
        result: { kind: 'answered', status: 200, headers: [], body: '', truncated: false },
        timing: NO_TIMING,
      };
    };
    const template = { headerPrefix: 'x-broxi-', userAgent: 'test' };
    const onError = (error: unknown) => errors.push(error);
    const engine = new Engine({ queue: store, ownership: store, clock, random: Math.random, send, template, onError });
    await engine.start();
    return new Node(store, engine);
  }

  async stop(): Promise<void> {
    await this.#engine.stop(5_000);
    await this.store.close();
  }
}

describe('engines that share a database', () => {
  let postgres: ThrowawayPostgres;
  let url: string;
  const sent: Sent[] = [];
  const published: string[] = [];
  const running = new Set<Node>();
  const startNode = async (name: string) => {
    const node = await Node.start(name, { url, sent });
    running.add(node);
    return node;
  };
  const stopNode = async (node: Node) => {
    running.delete(node);
    await node.stop();
  };
  /** To lanes in turn, by the nodes in turn, a few at a time. */
  const publish = async (count: number, nodes: readonly Node[]) => {
    for (let i = 0; i < count; i += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, k) => {
          const [lane, node] = [LANES[(i + k) % LANES.length], nodes[(i / 20 + k) % nodes.length]];
          assert.ok(lane && node);
          const planned = plannedEvent([lane]);
          published.push(...planned.deliveries.map(({ id }) => id));
          return node.store.record(submission([planned]));
        }),
      );
    }
  };
  const allSent = () =>
    waitUntil(
      'everything is sent',
      () => new Set(sent.map(({ deliveryId }) => deliveryId)).size === published.length,
      PROMPT_MS,
    );

  before(async () => {
    postgres = await ThrowawayPostgres.start();
    url = await postgres.createDatabase();
    const store = await openPostgresStore({ url, vault, clock: systemClock });
    await store.ensureWorkspace({ id: 'ws_1', name: 'default' });
    for (const lane of LANES) {
      const config = sampleConfig({ url: `https://${lane.webhookId.replace('_', '-')}.example/`, max_concurrency: 2 });
      await store.putWebhook(sampleChange(lane, { config }));
    }
    await store.close();
  });
  after(async () => {
    await Promise.all([...running].map((node) => node.stop()));
    await postgres.stop();
  });

  it('send everything once, promptly, while nodes come and go, and keep to what a webhook takes at a time', async () => {
    const first = await startNode('first');
    await publish(200, [first]);
    const second = await startNode('second');
    await publish(600, [first, second]);
    await allSent();
    const third = await startNode('third');
    await publish(400, [first, second, third]);
    await stopNode(first);
    await publish(400, [second, third]);
    await allSent();
    assert.equal(sent.length, published.length, 'nothing is sent twice');
    assert.deepEqual(new Set(sent.map(({ node }) => node)), new Set(['first', 'second', 'third']));
    for (const { from, host } of sent) {
      const inTheAir = sent.filter((other) => other.host === host && other.from <= from && from < other.to);
      assert.ok(inTheAir.length <= 2, `${inTheAir.length} at a time`);
    }
    await waitUntil('all is settled', async () => (await second.store.counters()).pending === 0, PROMPT_MS);
    await stopNode(second);
    await stopNode(third);
  });
});
