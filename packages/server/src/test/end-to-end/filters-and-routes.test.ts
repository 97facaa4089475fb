import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ServerProcess, startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';

interface Received {
  url: string;
  workflowId: string;
  headers: IncomingHttpHeaders;
}

describe('filters and routes, through a whole server', () => {
  const received: Received[] = [];
  let answer = 503;
  const receiver = createServer((request, response) => {
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
  let folder: string;
  let server: ServerProcess;
  let base: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broxi-e2e-'));
    server = await startServer(folder);
    receiver.listen(0, '127.0.0.1');
    await new Promise((resolve) => receiver.once('listening', resolve));
    base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  });
  after(async () => {
    await server.kill();
    receiver.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('sends each event where it belongs, with the headers of its route, also after a kill', async () => {
    const created = await server.call('POST', '/v1/webhooks', {
      url: `${base}/own`,
      events: ['workflow.*'],
      headers: { Authorization: 'Bearer own' },
      retry_policy: { retry_delay: 1, max_retries: 9 },
      filters: { workflow_id: { not_contains: 'internal' } },
      conditions: { event: { in: ['workflow.started', 'workflow.completed'] } },
      routes: [{ when: { workflow_id: { starts_with: 'sales_' } }, url: `${base}/crm`, headers: { 'X-Key': 'crm' } }],
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const owed: unknown[] = [];
    for (const [event, workflow_id] of [
      ['workflow.started', 'internal_job'],
      ['workflow.cancelled', 'support_bot'],
      ['workflow.started', 'support_bot'],
      ['workflow.started', 'sales_bot'],
    ]) {
      const { body } = await server.call('POST', '/v1/events', { event, data: { workflow_id, run_id: 'r' } });
      owed.push(body.deliveries);
    }
    assert.deepEqual(owed, [0, 0, 1, 1]);
    const seen = (url: string) => received.filter((one) => one.url === url);
    await waitUntil('both', async () => seen('/own').length > 0 && seen('/crm').length > 0, 10_000);
    await server.kill();
    answer = 204;
    const before = seen('/crm').length;
    server = await startServer(folder);
    await waitUntil('the retry', async () => seen('/crm').length > before, 10_000);
    assert.deepEqual(new Set(seen('/own').map(({ workflowId }) => workflowId)), new Set(['support_bot']));
    assert.deepEqual(new Set(seen('/crm').map(({ workflowId }) => workflowId)), new Set(['sales_bot']));
    for (const { headers } of seen('/own'))
      assert.deepEqual([headers.authorization, headers['x-key']], ['Bearer own', undefined]);
    for (const { headers } of seen('/crm'))
      assert.deepEqual([headers.authorization, headers['x-key']], [undefined, 'crm']);
  });
});
