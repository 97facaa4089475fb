import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openTestApp, type TestApp } from '../test-app.ts';

const DELIVERED = { kind: 'answered', status: 200, headers: [], body: '', truncated: false } as const;

describe('publishing to webhooks with filters and routes', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const create = async (config: object) => (await test.call('POST', '/v1/webhooks', config)).body;
  const completed = (data: object) => ({
    event: 'workflow.completed',
    data: { workflow_id: 'w', run_id: 'r', output: null, ...data },
  });
  const publish = async (data: object) => (await test.call('POST', '/v1/events', completed(data))).body;
  const owedTo = async (webhookId: string) =>
    (await test.call('GET', `/v1/deliveries?webhook_id=${webhookId}`)).body.data.map(
      ({ event_id, route }: { event_id: string; route: number | null }) => [event_id, route],
    );

  it("owes the guide's webhook what both of its filters hold for", async () => {
    const { id } = await create({
      webhook_config: {
        url: 'https://your-app.com/webhooks/broxi',
        events: ['workflow.completed'],
        filters: {
          workflow_id: ['customer_support_bot', 'sales_assistant'],
          user_id: { starts_with: 'premium_' },
          output_contains: ['error', 'failed', 'unable'],
        },
        conditions: {
          execution_time: { greater_than: 5.0 },
          token_usage: { greater_than: 1000 },
          cost: { greater_than: 0.1 },
        },
      },
    });
    const wanted = {
      workflow_id: 'sales_assistant',
      user_id: 'premium_1',
      output: 'unable to',
      execution_time: 5.5,
      token_usage: { total_tokens: 1001 },
      cost: 0.2,
    };
    const taken = await publish(wanted);
    assert.equal(taken.deliveries, 1);
    for (const change of [{ workflow_id: 'x' }, { output: 'fine' }, { cost: 0.1 }, { token_usage: undefined }]) {
      assert.equal((await publish({ ...wanted, ...change })).deliveries, 0, JSON.stringify(change));
    }
    const batch = [completed(wanted), completed({}), completed(wanted)];
    const { body } = await test.call('POST', '/v1/events/batch', { events: batch });
    assert.deepEqual(
      body.results.map(({ deliveries }: { deliveries: number }) => deliveries),
      [1, 0, 1],
    );
    assert.equal((await owedTo(id)).length, 3);
    await test.call('DELETE', `/v1/webhooks/${id}`);
  });

  it('keeps the route that was decided on, whatever the configuration becomes', async () => {
    const webhook = await create({
      url: 'https://own.example/',
      headers: { Authorization: 'own' },
      events: ['workflow.*'],
      routes: [
        { when: { workflow_id: { starts_with: 'sales_' } }, url: 'https://crm.example/', headers: { 'X-Key': 'k' } },
        { when: { workflow_id: { starts_with: 'support_' } }, url: 'https://support.example/' },
      ],
    });
    const [crm, support] = webhook.routes;
    const sales = await publish({ workflow_id: 'sales_1' });
    const other = await publish({ workflow_id: 'other' });
    await test.call('PATCH', `/v1/webhooks/${webhook.id}`, {
      routes: [{ ...support, when: { workflow_id: 'sales_2' } }, crm],
    });
    const moved = await publish({ workflow_id: 'sales_2' });
    assert.deepEqual(await owedTo(webhook.id), [
      [moved.id, support.id],
      [other.id, null],
      [sales.id, crm.id],
    ]);
    const sent = await test.attempt(webhook.id, DELIVERED, { state: 'delivered' });
    const shown = [];
    for (const { id } of sent) {
      const [attempt] = (await test.call('GET', `/v1/deliveries/${id}`)).body.attempts;
      const { url, headers } = attempt.exchanges[0].request;
      const own = headers
        .map(({ name }: { name: string }) => name)
        .filter((name: string) => /^(X-Key|Authorization)$/.test(name));
      shown.push([attempt.route, url, own.join()]);
    }
    assert.deepEqual(shown, [
      [crm.id, 'https://crm.example/', 'X-Key'],
      [null, 'https://own.example/', 'Authorization'],
      [support.id, 'https://support.example/', ''],
    ]);
  });

  it('matches what is published after a change against the change', async () => {
    const { id } = await create({ url: 'https://a.example/', events: ['workflow.completed'], filters: { cost: 1 } });
    const before = (await publish({ cost: 2 })).deliveries;
    await test.call('PATCH', `/v1/webhooks/${id}`, { filters: { cost: 2 } });
    assert.equal((await publish({ cost: 2 })).deliveries, before + 1);
    await test.call('PATCH', `/v1/webhooks/${id}`, { filters: null });
    assert.equal((await publish({ cost: 7 })).deliveries, before + 1);
  });
});
