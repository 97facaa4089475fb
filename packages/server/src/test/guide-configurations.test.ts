import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { answered } from '../deliver/fake-send.ts';
import { openTestDelivery } from '../deliver/test-delivery.ts';
import { openTestApp, type TestApp } from '../http/test-app.ts';

/* The two configurations of the user guide are taken as they are written there, and do what they say. */

const BASIC = `{
  "webhook_config": {
    "url": "https://your-app.com/webhooks/broxi",
    "events": [
      "workflow.completed",
      "workflow.failed",
      "user.message.received"
    ],
    "secret": "webhook_secret_key_here",
    "retry_policy": {
      "max_retries": 3,
      "retry_delay": 5,
      "exponential_backoff": true
    },
    "headers": {
      "X-Custom-Header": "custom-value",
      "Authorization": "Bearer your-auth-token"
    },
    "timeout": 30,
    "active": true
  }
}`;

const CONDITIONAL = `{
  "webhook_config": {
    "url": "https://your-app.com/webhooks/broxi",
    "events": ["workflow.completed"],
    "filters": {
      "workflow_id": ["customer_support_bot", "sales_assistant"],
      "user_id": {"starts_with": "premium_"},
      "output_contains": ["error", "failed", "unable"]
    },
    "conditions": {
      "execution_time": {"greater_than": 5.0},
      "token_usage": {"greater_than": 1000},
      "cost": {"greater_than": 0.10}
    }
  }
}`;

const { sample } = catalog['workflow.completed'];

describe('the configurations of the user guide', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const create = async (text: string) => {
    const headers = { 'content-type': 'application/json' };
    const { status, body } = await test.call('POST', '/v1/webhooks', text, { headers });
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };
  const publish = async (event: string, data: object) => {
    const { status, body } = await test.call('POST', '/v1/events', { event, data });
    assert.equal(status, 202, JSON.stringify(body));
    return body;
  };

  it('the basic one takes the three types that it names, and no other', async () => {
    const { id, warnings, ...shown } = await create(BASIC);
    const given = JSON.parse(BASIC).webhook_config;
    for (const name of ['url', 'events', 'secret', 'timeout', 'active']) assert.deepEqual(shown[name], given[name]);
    assert.partialDeepStrictEqual(shown.retry_policy, given.retry_policy);
    assert.deepEqual(
      (await test.store.loadLane({ workspaceId: test.workspaceId, webhookId: id }))?.webhook.config.headers,
      given.headers,
    );
    const owed = [];
    for (const [type, { sample: data }] of Object.entries(catalog)) {
      if (type.startsWith('webhook.') || type.startsWith('delivery.')) continue;
      if ((await publish(type, data)).deliveries === 1) owed.push(type);
    }
    assert.deepEqual(owed, given.events);
    await test.call('DELETE', `/v1/webhooks/${id}`);
  });

  it('the basic one is tried four times, after 5, 10 and 20 seconds, with its headers, each within 30 seconds', async (t) => {
    const delivery = await openTestDelivery(t);
    const { receivers, clock, pass } = delivery;
    receivers.behave('your-app.com', ({ headers }) => (headers['x-broxi-attempt'] === '2' ? 'hang' : answered(503)));
    const webhook = await delivery.addWebhook(JSON.parse(BASIC).webhook_config);
    await delivery.start();
    const from = clock.now();
    await delivery.publish(webhook);
    await pass(600_000);
    const hung = 30;
    assert.deepEqual(
      receivers.requests.map(({ at }) => (at - from) / 1000),
      [0, 5, 5 + hung + 10, 5 + hung + 10 + 20],
    );
    for (const { headers } of receivers.requests) {
      assert.deepEqual(
        [headers['X-Custom-Header'], headers['Authorization']],
        ['custom-value', 'Bearer your-auth-token'],
      );
    }
  });

  it('the conditional one takes what all of its filters and conditions hold for, and says of the rest why not', async () => {
    const webhook = await create(CONDITIONAL);
    assert.deepEqual(webhook.warnings, []);
    const { filters, conditions } = JSON.parse(CONDITIONAL).webhook_config;
    assert.deepEqual([webhook.filters, webhook.conditions], [filters, conditions]);
    const wanted = {
      ...{ ...sample, workflow_id: 'customer_support_bot', user_id: 'premium_1', output: 'I was unable to find it.' },
      ...{ execution_time: 5.1, token_usage: { total_tokens: 1001 }, cost: 0.11 },
    };
    const taken = [
      {},
      { workflow_id: 'sales_assistant' },
      { user_id: 'premium_' },
      { output: 'error' },
      { output: 'It has failed twice.' },
      { token_usage: { prompt_tokens: 1, total_tokens: 90_000 } },
    ];
    for (const change of taken) {
      const { deliveries } = await publish('workflow.completed', { ...wanted, ...change });
      assert.equal(deliveries, 1, JSON.stringify(change));
    }
    const refused = [
      [{ workflow_id: 'customer_support' }, 'filters.workflow_id'],
      [{ user_id: 'a_premium_' }, 'filters.user_id.starts_with'],
      [{ output: 'Here it is.' }, 'filters.output_contains'],
      [{ output: 'Error: FAILED' }, 'filters.output_contains'],
      [{ execution_time: 5 }, 'conditions.execution_time.greater_than'],
      [{ token_usage: { total_tokens: 1000 } }, 'conditions.token_usage.greater_than'],
      [{ token_usage: { prompt_tokens: 2000 } }, 'conditions.token_usage.greater_than'],
      [{ cost: 0.1 }, 'conditions.cost.greater_than'],
      [{ cost: undefined }, 'conditions.cost.greater_than'],
    ] as const;
    for (const [change, path] of refused) {
      const { id, deliveries } = await publish('workflow.completed', { ...wanted, ...change });
      assert.equal(deliveries, 0, JSON.stringify(change));
      const [missed] = (await test.call('GET', `/v1/events/${id}`)).body.undelivered;
      assert.deepEqual([missed.webhook_id, missed.reason], [webhook.id, 'filtered']);
      assert.deepEqual(
        missed.failed.map((failed: { path: string }) => failed.path),
        [path],
      );
    }
    assert.equal((await publish('workflow.failed', catalog['workflow.failed'].sample)).deliveries, 0);
  });
});
