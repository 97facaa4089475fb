import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ThrowawayPostgres } from '../postgres/throwaway-postgres.ts';
import { type ServerProcess, startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';

/** A server that died is replaced within 10 s; the rest is for a slow machine. */
const TAKEN_OVER_MS = 30_000;
const WEBHOOKS = 20;

describe('several servers on one PostgreSQL database', () => {
  let postgres: ThrowawayPostgres;
  let receiver: Server;
  const received: string[] = [];
  const running = new Set<ServerProcess>();
  let start: (role: string) => Promise<ServerProcess>;

  before(async () => {
    postgres = await ThrowawayPostgres.start();
    const url = await postgres.createDatabase();
    const env = { BROXI_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    start = async (role) => {
      const server = await startServer('', ['--database-url', url, '--role', role], env);
      running.add(server);
      return server;
    };
    receiver = createServer((request, response) => {
      received.push(String(request.headers['x-broxi-delivery-id']));
      request.resume();
      request.on('end', () => response.writeHead(204).end());
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
  });
  after(async () => {
    await Promise.all([...running].map((server) => server.kill()));
    receiver.close();
    await postgres.stop();
  });

  it('takes events in at one, sends them from others, and goes on when one of these dies', async () => {
    const api = await start('api');
    const [first, second] = [await start('deliver'), await start('deliver')];
    const { port } = receiver.address() as AddressInfo;
    for (let i = 0; i < WEBHOOKS; i += 1) {
      const webhook = { url: `http://127.0.0.1:${port}/${i}`, events: ['workflow.started'] };
      assert.equal((await api.call('POST', '/v1/webhooks', webhook)).status, 201);
    }
    let expected = 0;
    const publish = async (server: ServerProcess, count: number) => {
      for (let i = 0; i < count; i += 1) {
        const event = { event: 'workflow.started', data: { workflow_id: 'wf', run_id: `run_${i}` } };
        const { status, body } = await server.call('POST', '/v1/events', event);
        assert.deepEqual([status, body.deliveries], [202, WEBHOOKS]);
        expected += WEBHOOKS;
      }
    };
    const allReceived = (withinMs: number) =>
      waitUntil('everything is received', () => new Set(received).size === expected, withinMs);

    await publish(api, 5);
    await allReceived(20_000);
    assert.equal(received.length, expected, 'nothing twice');
    assert.equal((await first.call('POST', '/v1/events', {})).status, 404, 'it only sends');
    assert.equal((await fetch(`${first.url}/readyz`)).status, 200);

    running.delete(first);
    await Promise.all([first.kill(), publish(api, 5)]);
    await allReceived(TAKEN_OVER_MS);

    // What one server changes, another that takes events in goes by a moment later.
    const other = await start('all');
    await publish(other, 1);
    const more = { url: `http://127.0.0.1:${port}/more`, events: ['workflow.failed'] };
    const error = { code: 'E', message: 'm' };
    const event = { event: 'workflow.failed', data: { workflow_id: 'wf', run_id: 'run', error } };
    assert.equal((await other.call('POST', '/v1/events', event)).body.deliveries, 0);
    assert.equal((await api.call('POST', '/v1/webhooks', more)).status, 201);
    await waitUntil(
      'the other knows it',
      async () => (await other.call('POST', '/v1/events', event)).body.deliveries === 1,
      5_000,
    );
    expected += 1;
    await allReceived(20_000);

    assert.equal(await second.stop(), 0);
    running.delete(second);
    await publish(api, 2);
    await allReceived(TAKEN_OVER_MS);
  });
});
