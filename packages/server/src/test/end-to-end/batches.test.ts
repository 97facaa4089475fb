import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BatchData } from '@broxi/events';
import { verify } from '@broxi/receiver';
import { waitUntil } from '../wait-until.ts';
import { serverWithReceiver } from './server-with-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const TYPE = 'user.session.ended';

describe('batches, on a real server', () => {
  const received: { deliveryId: string; users: string[] }[] = [];
  /** Ids of members, by their user. */
  const ids = new Map<string, string>();
  const world = serverWithReceiver(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const result = await verify({ body: Buffer.concat(parts), headers: request.headers, secret: SECRET });
    if (!result.ok) return void response.writeHead(401).end(result.message);
    const { event, payload, deliveryId } = result;
    const { events } = (payload as { data: BatchData<typeof TYPE> }).data;
    for (const { data, delivery_id } of events) ids.set(String(data.user_id), delivery_id);
    const users = events.map(({ data }) => String(data.user_id));
    if (event === 'webhook.batch') received.push({ deliveryId: String(deliveryId), users });
    // More of an answer than is read of one to a single delivery, and what matters comes last.
    const failed = received.length > 1 ? [] : users.flatMap((user) => (user === 'bad' ? [ids.get(user)] : []));
    response.end(JSON.stringify({ note: 'x'.repeat(100 * 1024), failed }));
  });

  it('sends events together, verified as any body, and again only what failed of them', async () => {
    const created = await world.server.call('POST', '/v1/webhooks', {
      ...{ url: world.url('/'), events: [TYPE], secret: SECRET, batch: { size: 3, timeout: 60 } },
      retry_policy: { retry_delay: 0.1 },
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const events = ['a', 'bad', 'c'].map((user_id) => ({ event: TYPE, data: { user_id, session_id: 's' } }));
    await world.server.call('POST', '/v1/events/batch', { events });
    await waitUntil('both batches', async () => received.length === 2, 10_000);
    const [first, second] = received;
    assert.ok(first && second);
    assert.deepEqual([first.users, second.users], [['a', 'bad', 'c'], ['bad']]);
    assert.notEqual(first.deliveryId, second.deliveryId);
    const stateOf = async (user: string) => {
      const { body } = await world.server.call('GET', `/v1/deliveries/${ids.get(user)}`);
      return [body.state, body.batch_id, body.batch_state];
    };
    await waitUntil('its outcome', async () => (await stateOf('bad'))[2] === 'delivered', 10_000);
    assert.deepEqual(await stateOf('bad'), ['batched', second.deliveryId, 'delivered']);
    assert.deepEqual(await stateOf('a'), ['batched', first.deliveryId, 'delivered']);
    const { body } = await world.server.call('GET', `/v1/deliveries/${first.deliveryId}`);
    assert.deepEqual(
      body.member_ids,
      ['a', 'bad', 'c'].map((user) => ids.get(user)),
    );
    const [attempt] = body.attempts as {
      outcome: string;
      exchanges: { response: { body: string; truncated: boolean } }[];
    }[];
    const response = attempt?.exchanges[0]?.response;
    assert.deepEqual(
      [attempt?.outcome, response?.body.length, response?.truncated],
      ['partly_delivered', 16 * 1024, true],
    );
  });
});
