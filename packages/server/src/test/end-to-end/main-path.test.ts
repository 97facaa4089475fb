import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { receiverNames, startReceiver } from '../../../../../examples/start-receiver.ts';
import { ThrowawayPostgres } from '../postgres/throwaway-postgres.ts';
import { type ServerProcess, startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SAMPLES = ['workflow.completed', 'workflow.failed', 'user.message.received'] as const;

/** Where the server keeps its data; each test goes through it alike. */
interface Place {
  name: string;
  receivers: readonly (typeof receiverNames)[number][];
  prepare(): Promise<{ start(): Promise<ServerProcess>; remove(): Promise<void> }>;
}

const PLACES: readonly Place[] = [
  {
    name: 'SQLite',
    receivers: receiverNames,
    async prepare() {
      const folder = await mkdtemp(join(tmpdir(), 'broxi-e2e-'));
      return { start: () => startServer(folder), remove: () => rm(folder, { recursive: true, force: true }) };
    },
  },
  {
    name: 'PostgreSQL',
    // What is sent is the same everywhere.
    receivers: receiverNames.slice(0, 1),
    async prepare() {
      const postgres = await ThrowawayPostgres.start();
      const env = { BROXI_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
      const url = await postgres.createDatabase();
      return { start: () => startServer('', ['--database-url', url], env), remove: () => postgres.stop() };
    },
  },
];

for (const place of PLACES)
  describe(`an event goes in, a signed webhook comes out, on ${place.name}`, () => testPath(place));

function testPath({ receivers, prepare }: Place): void {
  let start: () => Promise<ServerProcess>;
  let remove: () => Promise<void>;
  let server: ServerProcess;

  before(async () => {
    ({ start, remove } = await prepare());
    server = await start();
  });
  after(async () => {
    await server.kill();
    await remove();
  });

  for (const name of receivers) {
    it(`delivers the samples to the receiver ${name}, with a default webhook`, async () => {
      const receiver = await startReceiver(name, { secret: SECRET });
      try {
        const created = await server.call('POST', '/v1/webhooks', {
          url: receiver.url,
          events: [...SAMPLES],
          secret: SECRET,
        });
        assert.equal(created.status, 201);
        for (const event of SAMPLES) {
          const { status } = await server.call('POST', '/v1/events', { event, data: catalog[event].sample });
          assert.equal(status, 202);
        }
        const received = await receiver.received(SAMPLES.length);
        assert.deepEqual(received.map(({ event }) => event).sort(), [...SAMPLES].sort());
        const scheme = name === 'express-basic' || name === 'flask-basic' ? 'body' : 'timestamped';
        // The receiver has it a moment before the outcome is written.
        await waitUntil(
          'the outcomes',
          async () => {
            const { body } = await server.call('GET', `/v1/deliveries?webhook_id=${created.body.id}&state=delivered`);
            return Array.isArray(body.data) && body.data.length === SAMPLES.length;
          },
          5_000,
        );
        const { body: shown } = await server.call('GET', `/v1/webhooks/${created.body.id}`);
        assert.match(JSON.stringify(shown.destinations), new RegExp(`"signature_scheme":"${scheme}"`));
        assert.equal(/replayed/.test(JSON.stringify(shown.warnings)), scheme === 'body');
        assert.equal((await server.call('DELETE', `/v1/webhooks/${created.body.id}`)).status, 204);
      } finally {
        await receiver.stop();
      }
    });
  }

  it('delivers what was acknowledged before a kill, under the same id, after the restart', async () => {
    const requests: { headers: IncomingHttpHeaders; body: string }[] = [];
    let answer = 503;
    let told = () => {};
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        requests.push({ headers: request.headers, body });
        response.writeHead(answer).end();
        told();
      });
    });
    receiver.listen(0, '127.0.0.1');
    await new Promise((resolve) => receiver.once('listening', resolve));
    const { port } = receiver.address() as AddressInfo;
    const next = () => new Promise<void>((resolve) => (told = resolve));
    try {
      const first = next();
      await server.call('POST', '/v1/webhooks', {
        url: `http://127.0.0.1:${port}/hook?x=1`,
        events: ['workflow.started'],
        retry_policy: { retry_delay: 1 },
      });
      const accepted = await server.call('POST', '/v1/events', {
        event: 'workflow.started',
        data: { workflow_id: 'wf', run_id: 'run' },
      });
      assert.equal(accepted.body.deliveries, 1);
      await first;
      await server.kill();
      answer = 204;
      const second = next();
      server = await start();
      await second;
      const [before, afterwards] = [requests[0], requests.at(-1)];
      assert.equal(afterwards?.body, before?.body);
      assert.equal(JSON.stringify(JSON.parse(before?.body ?? '')), before?.body);
      assert.deepEqual(Object.keys(JSON.parse(before?.body ?? '')), [
        'event',
        'timestamp',
        'webhook_id',
        'delivery_id',
        'data',
      ]);
      assert.equal(afterwards?.headers['x-broxi-delivery-id'], before?.headers['x-broxi-delivery-id']);
      assert.equal(afterwards?.headers['x-broxi-event-id'], accepted.body.id);
    } finally {
      receiver.close();
    }
  });
}
