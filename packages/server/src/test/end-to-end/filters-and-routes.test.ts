import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, it } from 'node:test';
import { waitUntil } from '../wait-until.ts';
import { serverWithReceiver } from './server-with-receiver.ts';

interface Received {
  url: string;
  workflowId: string;
  headers: IncomingHttpHeaders;
}

describe('filters and routes, through a whole server', () => {
  const received: Received[] = [];
  let answer = 503;
  const world = serverWithReceiver((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { workflow_id: workflowId } = JSON.parse(body).data;
      received.push({ url: request.url ?? '', workflowId, headers: request.headers });
      response.writeHead(request.url === '/crm' ? answer : 204).end();
    });
  });

  it('sends each event where it belongs, with the headers of its route, also after a kill', async () => {
    const created = await world.server.call('POST', '/v1/webhooks', {
      url: world.url('/own'),
      events: ['workflow.*'],
      headers: { Authorization: 'Bearer own' },
      retry_policy: { retry_delay: 1, max_retries: 9 },
      filters: { workflow_id: { not_contains: 'internal' } },
      conditions: { event: { in: ['workflow.started', 'workflow.completed'] } },
      routes: [
        { when: { workflow_id: { starts_with: 'sales_' } }, url: world.url('/crm'), headers: { 'X-Key': 'crm' } },
      ],
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const owed: unknown[] = [];
    for (const [event, workflow_id] of [
      ['workflow.started', 'internal_job'],
      ['workflow.cancelled', 'support_bot'],
      ['workflow.started', 'support_bot'],
      ['workflow.started', 'sales_bot'],
    ]) {
      const { body } = await world.server.call('POST', '/v1/events', { event, data: { workflow_id, run_id: 'r' } });
      owed.push(body.deliveries);
    }
    assert.deepEqual(owed, [0, 0, 1, 1]);
    const seen = (url: string) => received.filter((one) => one.url === url);
    await waitUntil('both', async () => seen('/own').length > 0 && seen('/crm').length > 0, 10_000);
    let before = 0;
    await world.killAndStart(() => {
      answer = 204;
      before = seen('/crm').length;
    });
    await waitUntil('the retry', async () => seen('/crm').length > before, 10_000);
    assert.deepEqual(new Set(seen('/own').map(({ workflowId }) => workflowId)), new Set(['support_bot']));
    assert.deepEqual(new Set(seen('/crm').map(({ workflowId }) => workflowId)), new Set(['sales_bot']));
    for (const { headers } of seen('/own'))
      assert.deepEqual([headers.authorization, headers['x-key']], ['Bearer own', undefined]);
    for (const { headers } of seen('/crm'))
      assert.deepEqual([headers.authorization, headers['x-key']], [undefined, 'crm']);
  });
});
