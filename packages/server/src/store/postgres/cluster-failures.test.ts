import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { CuttingProxy } from '../../test/postgres/cutting-proxy.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../../test/wait-until.ts';
import { plannedEvent, submission } from '../conformance/samples.ts';
import { laneOf, Nodes, rebalanced, wakesOf } from './test-nodes.ts';

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

describe('news whose taking is in doubt', () => {
  it('is heard, whatever becomes of the commit that takes its rows away', async () => {
    const nodes = await Nodes.begin(postgres);
    const here = await nodes.open();
    const proxy = await CuttingProxy.start(nodes.url);
    const errors: unknown[] = [];
    const there = await nodes.open({ url: proxy.url, onError: (error) => errors.push(error) });
    try {
      await rebalanced([here, there]);
      const heard = wakesOf(there);
      // It commits nothing but what it takes.
      const cut = proxy.cutAt('COMMIT\0', { delivered: true });
      await here.record(submission([plannedEvent([laneOf(there)])]));
      await cut;
      await waitUntil('the answer is missed', () => errors.length > 0, 10_000);
      assert.equal(heard.length, 1);
      assert.deepEqual(await nodes.query('SELECT * FROM broxi.wakes'), [], 'nobody can be told any more');
    } finally {
      await nodes.end();
      await proxy.stop();
    }
  });
});

describe('what a node that is cut off left open', () => {
  it('is ended by whoever takes over: PostgreSQL waits for the end of a statement, and nothing else ends that', async () => {
    const nodes = await Nodes.begin(postgres);
    await nodes.close(await nodes.open());
    const sessions = await Promise.all(['dead', 'alive'].map((name) => cutOffInAStatement(nodes.url, `node_${name}`)));
    try {
      await nodes.query(`INSERT INTO broxi.nodes VALUES
        ('node_dead', clock_timestamp() - interval '1 second'), ('node_alive', clock_timestamp() + interval '1 hour')`);
      await nodes.query("UPDATE broxi.shards SET node_id = 'node_dead'");
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      await nodes.open();
      const left = async () =>
        await nodes.query<{ name: string }>(
          "SELECT application_name AS name FROM pg_stat_activity WHERE wait_event = 'ClientRead' AND state = 'active'",
        );
      await waitUntil('it is ended', async () => (await left()).length < 2, 5_000);
      assert.deepEqual(await left(), [{ name: 'broxi-webhooks node_alive' }]);
    } finally {
      for (const session of sessions) session.destroy();
      await nodes.end();
    }
  });
});

/** A session that has a transaction open, and has sent a statement, but not what ends it. @returns its socket */
async function cutOffInAStatement(url: string, nodeId: string): Promise<Socket> {
  const client = new pg.Client({ connectionString: url, application_name: `broxi-webhooks ${nodeId}` });
  client.on('error', () => {});
  await client.connect();
  await client.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 100; SET LOCAL statement_timeout = 200');
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  const message = (type: string, body: string) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + body.length);
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
  };
  // Parse, Bind, Execute, Flush; what does not come any more is Sync.
  const messages = [
    ['P', '\0SELECT 1\0\0\0'],
    ['B', '\0\0\0\0\0\0\0\0'],
    ['E', '\0\0\0\0\0'],
    ['H', ''],
  ] as const;
  stream.write(Buffer.concat(messages.map(([type, body]) => message(type, body))));
  return stream;
}
