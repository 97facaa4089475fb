import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ServerProcess, startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';

describe('operational events, on a real server', () => {
  let folder: string;
  let server: ServerProcess;
  const received: { event: string; data: Record<string, unknown> }[] = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      if (request.url === '/ops') received.push(JSON.parse(body) as (typeof received)[number]);
      response.writeHead(request.url === '/ops' ? 204 : 410).end();
    });
  });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broxi-operational-'));
    server = await startServer(folder);
    receiver.listen(0, '127.0.0.1');
    await new Promise((resolve) => receiver.once('listening', resolve));
  });
  after(async () => {
    await server.kill();
    receiver.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('tells the webhook that names the type that another one was disabled', async () => {
    const url = (path: string) => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`;
    const create = async (path: string, events: string[]) => {
      const { status, body } = await server.call('POST', '/v1/webhooks', { url: url(path), events });
      assert.equal(status, 201, JSON.stringify(body));
      return body.id;
    };
    const gone = await create('/gone', ['workflow.started']);
    await create('/ops', ['webhook.disabled']);
    const data = { workflow_id: 'wf', run_id: 'run' };
    await server.call('POST', '/v1/events', { event: 'workflow.started', data });
    await waitUntil('the news', async () => received.length > 0, 10_000);
    const [news] = received;
    assert.equal(news?.event, 'webhook.disabled');
    const destination = new URL(url('/')).origin;
    assert.partialDeepStrictEqual(news?.data, { webhook_id: gone, reason: 'gone', status_code: 410, destination });
    const { body } = await server.call('GET', '/v1/events?type=webhook.disabled');
    assert.equal((body.data as unknown[]).length, 1);
  });
});
