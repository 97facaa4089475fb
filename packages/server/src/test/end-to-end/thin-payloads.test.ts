import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { verify } from '@broxi/receiver';
import { waitUntil } from '../wait-until.ts';
import { serverWithReceiver } from './server-with-receiver.ts';

const { sample } = catalog['workflow.completed'];

describe('thin payloads, through a whole server', () => {
  const access = { secret: '', readToken: '' };
  /** What the receiver was sent and then fetched, by delivery: after a kill one may come again. */
  const received = new Map<string, { sent: Record<string, unknown>; fetched: { data: unknown; text: string } }>();
  const problems: unknown[] = [];
  /** Not before the kill: what was fetched is sent again. */
  let answers = false;
  const world = serverWithReceiver((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      handle(request.headers, Buffer.concat(chunks)).then(
        () => {
          if (answers) response.writeHead(204).end();
        },
        (error) => {
          problems.push(error);
          response.writeHead(500).end();
        },
      );
    });
  });

  async function handle(headers: NodeJS.Dict<string | string[]>, body: Buffer): Promise<void> {
    const verified = await verify({ body, headers, secret: access.secret });
    assert.ok(verified.ok, JSON.stringify(verified));
    const deliveryId = String(verified.deliveryId);
    const answer = await fetchPayload(deliveryId, access.readToken);
    assert.equal(answer.status, 200);
    const text = await answer.text();
    const sent = JSON.parse(body.toString());
    const { data } = JSON.parse(text);
    assert.equal(text, JSON.stringify({ ...sent, data }));
    received.set(deliveryId, { sent, fetched: { data, text } });
  }
  const fetchPayload = (id: string, token: string) =>
    fetch(`${world.server.url}/v1/deliveries/${id}/payload`, { headers: { authorization: `Bearer ${token}` } });
  const publish = async (data: object) => {
    const { status } = await world.server.call('POST', '/v1/events', { event: 'workflow.completed', data });
    assert.equal(status, 202);
  };

  it('gives the receiver identifiers, and for its token all that was published, also after a kill', async () => {
    const created = await world.server.call('POST', '/v1/webhooks', {
      url: world.url('/'),
      events: ['workflow.completed'],
      filters: { output: { contains: 'order' } },
      payload: 'thin',
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const { id: webhookId, secret, read_token: readToken } = created.body;
    Object.assign(access, { secret, readToken });
    await publish(sample);
    await waitUntil('the first', async () => received.size === 1, 10_000);
    await world.killAndStart(() => {
      received.clear();
      answers = true;
    });
    await waitUntil('the first again', async () => received.size === 1, 10_000);
    await publish({ ...sample, output: 'Another order, “Grüße” \u{1f680}', cost: 0.1 });
    await waitUntil('the second', async () => received.size === 2, 10_000);
    assert.deepEqual(problems, []);
    const { workflow_id, run_id, user_id, session_id } = sample;
    for (const { sent } of received.values()) {
      assert.deepEqual(Object.keys(sent), ['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
      assert.deepEqual(sent['data'], { workflow_id, run_id, user_id, session_id });
    }
    assert.deepEqual(
      [...received.values()].map(({ fetched: { data } }) => data),
      [sample, { ...sample, output: 'Another order, “Grüße” \u{1f680}', cost: 0.1 }],
    );
    for (const { fetched } of received.values()) assert.equal(JSON.stringify(JSON.parse(fetched.text)), fetched.text);

    const [deliveryId = ''] = received.keys();
    const rotated = await world.server.call('POST', `/v1/webhooks/${webhookId}/read-token/rotate`);
    assert.equal((await fetchPayload(deliveryId, String(readToken))).status, 401);
    assert.equal((await fetchPayload(deliveryId, String(rotated.body['read_token']))).status, 200);
    await world.server.call('DELETE', `/v1/webhooks/${webhookId}`);
    assert.equal((await fetchPayload(deliveryId, String(rotated.body['read_token']))).status, 401);
  });
});
