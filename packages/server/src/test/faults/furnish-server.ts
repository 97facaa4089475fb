import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerProcess } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';

const EVENTS = 25;
const RUNS = 5;
const STEP_MS = 20_000;
/** Its own, so that the load reaches none of these webhooks. */
const TYPE = 'workflow.failed';
const LATER = { max_retries: 5, retry_delay: 3_600, max_delay: 3_600, jitter: 0 };

/**
 * Gives a server something of every kind that outlasts a minute: a batch that waits for company, a run that is blocked, what is
 * paused, has failed, waits for a retry, is thin, or went to a fallback; a custom type, and a webhook that was deleted.
 */
export async function furnishServer(server: ServerProcess): Promise<void> {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(Number(/\d+/.exec(request.url ?? '')?.[0])).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const at = (status: number) => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/${status}`;
  const call = async (method: string, path: string, body?: object) => {
    const answer = await server.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const add = async (config: object) =>
    String((await call('POST', '/v1/webhooks', { events: [TYPE], ...config }))['id']);
  const batch = { size: 10, timeout: 3_600 };
  await add({ url: at(204), name: 'batches', batch });
  await add({ url: at(503), name: 'batches wait for a retry', batch, retry_policy: LATER });
  const blocked = await add({ url: at(404), name: 'runs are blocked', ordering: 'run' });
  const paused = await add({ url: at(204), name: 'paused', headers: { 'X-Token': 'header-value' } });
  await call('POST', `/v1/webhooks/${paused}/pause`);
  const failed = await add({ url: at(404), name: 'fails', payload: 'thin' });
  const retried = await add({ url: at(500), name: 'waits for a retry', retry_policy: LATER });
  await add({ url: at(404), name: 'fallback', fallback_url: at(204) });
  await server.call('DELETE', `/v1/webhooks/${await add({ url: at(204), name: 'deleted' })}`);
  await call('POST', '/v1/event-types', { name: 'order.paid', description: 'paid', schema: { type: 'object' } });
  for (let i = 0; i < EVENTS; i += 1) {
    const error = { code: 'E', message: 'm' };
    const data = { workflow_id: 'wf', run_id: `run \0 ${i % RUNS}`, error, text: 'a \0 b' };
    await call('POST', '/v1/events', { event: TYPE, id: `key-${i}`, data });
  }
  const count = async (webhookId: string, condition: string) => {
    const { data } = await call('GET', `/v1/deliveries?webhook_id=${webhookId}&${condition}&limit=100`);
    return Array.isArray(data) ? data.length : 0;
  };
  const outcomes = [
    { what: 'what fails', holds: async () => (await count(failed, 'state=failed')) === EVENTS },
    { what: 'runs that are blocked', holds: async () => (await count(blocked, 'state=failed')) === RUNS },
    {
      what: 'what waits for a retry, and a circuit that is open',
      holds: async () => (await count(retried, 'status=500')) >= 5,
    },
  ];
  for (const { what, holds } of outcomes) await waitUntil(what, holds, STEP_MS);
  receiver.close();
  receiver.closeAllConnections();
}
