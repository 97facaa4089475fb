import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { newId } from '../../ids.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const sample = catalog['workflow.completed'].sample;
const IDENTIFIERS = {
  workflow_id: sample.workflow_id,
  run_id: sample.run_id,
  user_id: sample.user_id,
  session_id: sample.session_id,
};

describe('payloads', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const create = async (fields: object = {}) => {
    const config = { url: 'https://receiver.example/hook', events: ['workflow.completed'], payload: 'thin', ...fields };
    const { status, body } = await test.call('POST', '/v1/webhooks', config);
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };
  /** Publishes the sample. @returns the delivery that a webhook is owed */
  const owed = async (webhookId: string, data: object = sample) => {
    const { status } = await test.call('POST', '/v1/events', { event: 'workflow.completed', data });
    assert.equal(status, 202);
    const { body } = await test.call('GET', `/v1/deliveries?webhook_id=${webhookId}&limit=1`);
    return body.data[0];
  };
  const detail = async (id: string) => (await test.call('GET', `/v1/deliveries/${id}`)).body;
  const fetchPayload = (id: string, key?: string | null) =>
    test.call('GET', `/v1/deliveries/${id}/payload`, undefined, key === undefined ? {} : { key });

  describe('a thin webhook', () => {
    it('is owed deliveries whose body carries identifiers only, in the keys of every body', async () => {
      const webhook = await create();
      const { id, payload } = await owed(webhook.id);
      assert.equal(payload, 'thin');
      const { body } = await detail(id);
      const parsed = JSON.parse(body);
      assert.deepEqual(Object.keys(parsed), ['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
      assert.deepEqual(parsed.data, IDENTIFIERS);
      assert.equal(JSON.stringify(parsed), body);
    });

    it('is matched and routed by all of the data', async () => {
      const route = { when: { cost: { less_than: 1 } }, url: 'https://cheap.example/' };
      const webhook = await create({ filters: { output: { contains: 'order' } }, routes: [route] });
      const { id, route: taken } = await owed(webhook.id);
      assert.equal(taken, webhook.routes[0].id);
      await owed(webhook.id, { ...sample, output: 'nothing of it' });
      assert.equal((await owed(webhook.id, { ...sample, output: null })).id, id, 'nothing more is owed');
    });

    it('keeps what was decided at publish, over changes, retries and replays', async () => {
      const webhook = await create();
      const thin = await owed(webhook.id);
      const thinBody = (await detail(thin.id)).body;
      await test.call('PATCH', `/v1/webhooks/${webhook.id}`, { payload: 'full' });
      const full = await owed(webhook.id);
      await test.attempt(
        webhook.id,
        { kind: 'failed', failure: 'timeout', message: 'too late' },
        { state: 'failed', reason: 'too late' },
      );
      await test.call('PATCH', `/v1/webhooks/${webhook.id}`, { payload: 'thin' });
      for (const { id, payload } of [thin, full]) {
        assert.equal((await test.call('POST', `/v1/deliveries/${id}/retry`)).body.payload, payload);
      }
      await test.attempt(
        webhook.id,
        { kind: 'answered', status: 204, headers: [], body: '', truncated: false },
        { state: 'delivered' },
      );
      for (const { id, payload } of [thin, full]) {
        const { status, body } = await test.call('POST', `/v1/deliveries/${id}/replay`);
        assert.deepEqual([status, body.payload], [202, payload]);
      }
      assert.equal((await detail(thin.id)).body, thinBody);
      assert.deepEqual(JSON.parse((await detail(full.id)).body).data, sample);
    });

    it('is tested with a thin body', async () => {
      const webhook = await create();
      const { body } = await test.call('POST', `/v1/webhooks/${webhook.id}/test`);
      assert.deepEqual(JSON.parse(body.body).data, {});
      const shown = await detail(body.delivery_id);
      assert.deepEqual([shown.payload, shown.body], ['thin', body.body]);
      const whole = await fetchPayload(body.delivery_id, webhook.read_token);
      assert.deepEqual(whole.body.data, catalog['webhook.test'].sample);
    });
  });

  describe('GET /v1/deliveries/{id}/payload', () => {
    it('answers the bytes of a full delivery, thin or not, to the API key and the read token', async () => {
      for (const payload of ['thin', 'full']) {
        const webhook = await create({ payload });
        const { id } = await owed(webhook.id);
        for (const key of [undefined, webhook.read_token]) {
          const answer = await fetchPayload(id, key);
          assert.equal(answer.status, 200);
          assert.equal(answer.headers['content-type'], 'application/json');
          assert.equal(answer.headers['cache-control'], 'no-store');
          assert.deepEqual(answer.body.data, sample);
        }
        const shown = await detail(id);
        const url = `/v1/deliveries/${id}/payload`;
        const authorization = `Bearer ${webhook.read_token}`;
        const { payload: text } = await test.app.inject({ url, headers: { authorization } });
        if (payload === 'full') assert.equal(text, shown.body);
        else assert.equal(text, shown.body.replace(JSON.stringify(IDENTIFIERS), JSON.stringify(sample)));
      }
    });

    it('is 404 for what is not there, and to a read token for what is of another webhook', async () => {
      const [mine, other] = [await create(), await create()];
      const { id } = await owed(other.id);
      for (const [delivery, key] of [
        [id, mine.read_token],
        [newId('del'), mine.read_token],
        ['del_1', mine.read_token],
        [id, test.otherKey],
        [newId('del'), undefined],
      ] as const) {
        const { status, body } = await fetchPayload(delivery, key);
        assert.deepEqual([status, body.code], [404, 'not_found'], `${delivery} ${key}`);
        assert.doesNotMatch(JSON.stringify(body), /whr_|workflow/);
      }
      assert.equal((await fetchPayload(id, other.read_token)).status, 200);
    });

    it('is 401 without a token, and for one that is not known', async () => {
      const webhook = await create();
      const { id } = await owed(webhook.id);
      const token: string = webhook.read_token;
      for (const [key, told] of [
        [null, /An API key is needed/],
        ['nobodys-key-0123456789', /API key is not known/],
        [`${token}x`, /read token is not known/],
        [token.slice(0, -1), /read token is not known/],
        [token.toUpperCase(), /not known/],
        ['whr_', /read token is not known/],
      ] as const) {
        const { status, headers, body } = await fetchPayload(id, key);
        assert.deepEqual([status, body.code], [401, 'unauthenticated'], String(key));
        assert.match(body.detail, told);
        assert.ok(headers['www-authenticate']);
      }
    });
  });

  describe('the read token', () => {
    it('is random, shown when its webhook is created, and in no other answer', async () => {
      const webhook = await create();
      assert.match(webhook.read_token, /^whr_[\w-]{43}$/);
      assert.notEqual((await create()).read_token, webhook.read_token);
      const { id } = await owed(webhook.id);
      for (const url of [
        '/v1/webhooks',
        `/v1/webhooks/${webhook.id}`,
        `/v1/webhooks/${webhook.id}/versions`,
        `/v1/deliveries/${id}`,
      ]) {
        assert.doesNotMatch(JSON.stringify((await test.call('GET', url)).body), /whr_/, url);
      }
      const patched = await test.call('PATCH', `/v1/webhooks/${webhook.id}`, { name: 'another' });
      assert.doesNotMatch(JSON.stringify(patched.body), /whr_/);
    });

    it('is refused everywhere else', async () => {
      const webhook = await create();
      const { id } = await owed(webhook.id);
      const document = (await test.app.inject('/openapi.json')).json();
      let asked = 0;
      for (const [path, methods] of Object.entries<Record<string, { security?: unknown[] }>>(document.paths)) {
        for (const [method, { security }] of Object.entries(methods)) {
          if (security?.length === 0 || path === '/v1/deliveries/{id}/payload') continue;
          const url = path
            .replace('{id}', path.includes('deliveries') ? id : webhook.id)
            .replace('{name}', 'order.paid');
          for (const verb of method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]) {
            const authorization = `Bearer ${webhook.read_token}`;
            const answer = await test.app.inject({ method: verb as 'GET', url, headers: { authorization } });
            assert.equal(answer.statusCode, 401, `${verb} ${url}`);
            if (verb !== 'HEAD') assert.match(answer.json().detail, /for GET \/v1\/deliveries\/\{id\}\/payload alone/);
            asked += 1;
          }
        }
      }
      assert.ok(asked > 35, String(asked));
      assert.equal((await fetchPayload(id, webhook.read_token)).status, 200, 'and is good all the same');
    });

    it('is replaced when asked, at once, which the audit log keeps', async () => {
      const webhook = await create();
      const { id } = await owed(webhook.id);
      const { status, headers, body } = await test.call('POST', `/v1/webhooks/${webhook.id}/read-token/rotate`);
      assert.deepEqual([status, headers['cache-control']], [200, 'no-store']);
      assert.match(body.read_token, /^whr_[\w-]{43}$/);
      assert.equal((await fetchPayload(id, webhook.read_token)).status, 401);
      assert.equal((await fetchPayload(id, body.read_token)).status, 200);
      const reveal = await test.call('POST', `/v1/webhooks/${webhook.id}/secret/reveal`);
      assert.deepEqual(reveal.body, { secret: webhook.secret, read_token: body.read_token });
      const unknown = await test.call('POST', `/v1/webhooks/${newId('wh')}/read-token/rotate`);
      assert.equal(unknown.status, 404);
      const foreign = { key: test.otherKey };
      assert.equal(
        (await test.call('POST', `/v1/webhooks/${webhook.id}/read-token/rotate`, undefined, foreign)).status,
        404,
      );
    });

    it('stays over changes of its webhook, and ends with it', async () => {
      const webhook = await create();
      const { id } = await owed(webhook.id);
      await test.call('PATCH', `/v1/webhooks/${webhook.id}`, { url: 'https://new.example/', secret: 'x'.repeat(20) });
      assert.equal((await fetchPayload(id, webhook.read_token)).status, 200);
      await test.call('DELETE', `/v1/webhooks/${webhook.id}`);
      assert.equal((await fetchPayload(id, webhook.read_token)).status, 401);
      assert.equal((await fetchPayload(id)).status, 200, 'the history stays');
    });

    it('may be sent back with what was read, and is not set by that', async () => {
      const webhook = await create();
      const { status } = await test.call('PUT', `/v1/webhooks/${webhook.id}`, { ...webhook, read_token: 'whr_mine' });
      assert.equal(status, 200);
      const reveal = await test.call('POST', `/v1/webhooks/${webhook.id}/secret/reveal`);
      assert.equal(reveal.body.read_token, webhook.read_token);
    });
  });
});
