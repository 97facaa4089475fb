import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitUntil } from '../wait-until.ts';
import { serverWithReceiver } from './server-with-receiver.ts';

describe('operational events, on a real server', () => {
  const received: { event: string; data: Record<string, unknown> }[] = [];
  const world = serverWithReceiver((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      if (request.url === '/ops') received.push(JSON.parse(body) as (typeof received)[number]);
      response.writeHead(request.url === '/ops' ? 204 : 410).end();
    });
  });

  it('tells the webhook that names the type that another one was disabled', async () => {
    const create = async (path: string, events: string[]) => {
      const { status, body } = await world.server.call('POST', '/v1/webhooks', { url: world.url(path), events });
      assert.equal(status, 201, JSON.stringify(body));
      return body.id;
    };
    const gone = await create('/gone', ['workflow.started']);
    await create('/ops', ['webhook.disabled']);
    const data = { workflow_id: 'wf', run_id: 'run' };
    await world.server.call('POST', '/v1/events', { event: 'workflow.started', data });
    await waitUntil('the news', async () => received.length > 0, 10_000);
    const [news] = received;
    assert.equal(news?.event, 'webhook.disabled');
    const destination = new URL(world.url('/')).origin;
    assert.partialDeepStrictEqual(news?.data, { webhook_id: gone, reason: 'gone', status_code: 410, destination });
    const { body } = await world.server.call('GET', '/v1/events?type=webhook.disabled');
    assert.equal((body.data as unknown[]).length, 1);
  });
});
