import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { MASK } from '../mask.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describe('what can be done with a webhook', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const create = async (fields: object = {}) => {
    const config = { url: 'https://receiver.example/hook', events: ['*'], secret: SECRET, ...fields };
    return (await test.call('POST', '/v1/webhooks', config)).body.id;
  };
  /** Counts the audit entries of an action while `act` runs. */
  const audited = async (act: () => Promise<unknown>) => {
    const entries: unknown[] = [];
    const { appendAudit } = test.store;
    test.store.appendAudit = (entry) => {
      entries.push(entry);
      return appendAudit(entry);
    };
    await act();
    test.store.appendAudit = appendAudit;
    return entries;
  };

  describe('test', () => {
    it('shows both sides of a success, and activates when asked', async () => {
      const id = await create({ active: false, headers: { Authorization: 'Bearer hidden' } });
      const { status, body } = await test.call('POST', `/v1/webhooks/${id}/test`, { activate: true });
      assert.equal(status, 200);
      assert.equal(body.success, true);
      assert.equal(body.activated, true);
      assert.equal(JSON.parse(body.body).delivery_id, body.delivery_id);
      const [exchange] = body.attempt.exchanges;
      assert.equal(exchange.request.url, 'https://receiver.example/hook');
      assert.deepEqual(exchange.request.headers.at(-1), { name: 'Authorization', value: MASK });
      assert.doesNotMatch(JSON.stringify(body), /hidden/);
      assert.deepEqual(exchange.response, {
        status: 204,
        headers: [{ name: 'Server', value: 'test' }],
        body: '',
        truncated: false,
      });
      assert.equal(exchange.failure, null);
      const { body: webhook } = await test.call('GET', `/v1/webhooks/${id}`);
      assert.equal(webhook.active, true);
      assert.equal(webhook.version, 2);
    });

    it('makes no version where nothing changes', async () => {
      const id = await create();
      const { body } = await test.call('POST', `/v1/webhooks/${id}/test`, { activate: true });
      assert.equal(body.activated, false);
      assert.equal((await test.call('GET', `/v1/webhooks/${id}`)).body.version, 1);
    });

    it('does not activate unasked, or after a failure', async () => {
      const id = await create({ active: false });
      assert.equal((await test.call('POST', `/v1/webhooks/${id}/test`)).body.activated, false);
      const { answer } = test.engine;
      test.engine.answer = { kind: 'failed', failure: 'timeout', message: 'no answer within 30 s' };
      const { status, body } = await test.call('POST', `/v1/webhooks/${id}/test`, { activate: true });
      test.engine.answer = answer;
      assert.equal(status, 200);
      assert.equal(body.success, false);
      assert.equal(body.activated, false);
      assert.equal(body.attempt.exchanges[0].response, null);
      assert.deepEqual(body.attempt.exchanges[0].failure, { kind: 'timeout', message: 'no answer within 30 s' });
      assert.equal((await test.call('GET', `/v1/webhooks/${id}`)).body.active, false);
    });

    it('is seen as a delivery afterwards, which is not sent again', async () => {
      const id = await create();
      const { body } = await test.call('POST', `/v1/webhooks/${id}/test`);
      const delivery = await test.call('GET', `/v1/deliveries/${body.delivery_id}`);
      assert.equal(delivery.body.origin, 'test');
      assert.equal(delivery.body.body, body.body);
      assert.deepEqual(delivery.body.attempts, [body.attempt]);
      assert.deepEqual((await test.call('GET', `/v1/events/${body.event_id}`)).body.undelivered, []);
      const replay = await test.call('POST', `/v1/deliveries/${body.delivery_id}/replay`);
      assert.equal(replay.status, 409);
      assert.match(replay.body.detail, /test/);
    });

    it('refuses a body that it does not know', async () => {
      const id = await create();
      for (const [input, path] of [
        [{ activate: 'yes' }, 'activate'],
        [{ active: true }, 'active'],
        [[], ''],
      ] as const) {
        const { status, body } = await test.call('POST', `/v1/webhooks/${id}/test`, input);
        assert.equal(status, 422, JSON.stringify(input));
        assert.equal(body.errors[0].path, path);
      }
    });
  });

  describe('reveal', () => {
    it('shows the secret and the read token, to no cache, and says so in the audit log first', async () => {
      const id = await create();
      const entries = await audited(async () => {
        const { status, headers, body } = await test.call('POST', `/v1/webhooks/${id}/secret/reveal`);
        assert.equal(status, 200);
        const token = await test.store.revealReadToken({ workspaceId: test.workspaceId, webhookId: id });
        assert.match(token ?? '', /^whr_/);
        assert.deepEqual(body, { secret: SECRET, read_token: token });
        assert.equal(headers['cache-control'], 'no-store');
      });
      assert.equal(entries.length, 1);
      assert.partialDeepStrictEqual(entries[0], { action: 'webhook.secret_revealed', subject: id });
    });

    it('shows nothing when it cannot be written down', async () => {
      const id = await create();
      const { appendAudit } = test.store;
      test.store.appendAudit = () => Promise.reject(new Error('away'));
      const { status, body } = await test.call('POST', `/v1/webhooks/${id}/secret/reveal`).catch(() => ({
        status: 500,
        body: '',
      }));
      test.store.appendAudit = appendAudit;
      assert.equal(status, 500);
      assert.doesNotMatch(JSON.stringify(body), /whsec_|whr_/);
      test.unexpected.length = 0;
    });
  });

  describe('versions', () => {
    it('lists them newest first, page by page, also of a deleted webhook', async () => {
      const id = await create();
      await test.call('PATCH', `/v1/webhooks/${id}`, { name: 'two' });
      await test.call('DELETE', `/v1/webhooks/${id}`);
      const { body } = await test.call('GET', `/v1/webhooks/${id}/versions`);
      assert.deepEqual(
        body.data.map(({ version, name, deleted_at }: Record<string, unknown>) => [version, name, deleted_at !== null]),
        [
          [3, 'two', true],
          [2, 'two', false],
          [1, null, false],
        ],
      );
      assert.doesNotMatch(JSON.stringify(body), /whsec_/);
      const first = await test.call('GET', `/v1/webhooks/${id}/versions?limit=2`);
      const rest = await test.call('GET', `/v1/webhooks/${id}/versions?limit=2&cursor=${first.body.next_cursor}`);
      assert.deepEqual(rest.body.data, body.data.slice(2));
      assert.equal(rest.body.next_cursor, null);
    });
  });
});
