import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { AppError } from '../errors.ts';
import { hashToken } from './read-token.ts';
import { openTestApp, TEST_KEY, type TestApp } from './test-app.ts';

describe('the HTTP API as a whole', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  describe('keys', () => {
    for (const [what, headers] of [
      ['no key', {}],
      ['an unknown key', { authorization: 'Bearer nobody-knows-this-key' }],
      ['another scheme', { authorization: 'Basic dGVzdDp0ZXN0' }],
      ['an empty token', { authorization: 'Bearer ' }],
      ['two tokens', { authorization: 'Bearer a b' }],
    ] as const) {
      it(`refuses ${what}`, async () => {
        for (const url of ['/v1/webhooks', '/v1/events', '/v1/deliveries', '/v1/event-types', '/metrics']) {
          const { status, headers: got, body } = await test.call('GET', url, undefined, { key: null, headers });
          assert.equal(status, 401);
          assert.equal(body.code, 'unauthenticated');
          assert.match(String(got['www-authenticate']), /^Bearer /);
          assert.match(String(got['content-type']), /^application\/problem\+json/);
        }
      });
    }

    it('refuses before it reads the body', async () => {
      assert.equal((await test.call('POST', '/v1/events', '{', { key: null })).status, 401);
    });

    it('takes the scheme in any case', async () => {
      const headers = { authorization: `bearer ${TEST_KEY}` };
      assert.equal((await test.call('GET', '/v1/webhooks', undefined, { key: null, headers })).status, 200);
    });

    it('refuses a revoked key five seconds later at the latest', async () => {
      const key = 'short-lived-key-0123456789';
      const row = { id: 'key_short', workspaceId: test.workspaceId, name: 'short', createdAt: 0 };
      await test.store.putApiKey({ ...row, hash: hashToken(key) });
      assert.equal((await test.call('GET', '/v1/webhooks', undefined, { key })).status, 200);
      await test.store.putApiKey({ ...row, hash: hashToken('another one') });
      test.advance(4_000);
      assert.equal((await test.call('GET', '/v1/webhooks', undefined, { key })).status, 200, 'still cached');
      test.advance(1_001);
      assert.equal((await test.call('GET', '/v1/webhooks', undefined, { key })).status, 401);
    });
  });

  describe('requests that no route takes', () => {
    it('answers 404 with a problem', async () => {
      for (const url of ['/', '/v1', '/v1/nothing', '/v1/webhooks/a/b/c', '/v2/events', '/v1/webhooks/']) {
        const { status, body, headers } = await test.call('GET', url);
        assert.equal(status, 404, url);
        assert.equal(body.code, 'not_found');
        assert.equal(body.type, 'about:blank');
        assert.equal(body.title, 'Not Found');
        assert.match(String(headers['content-type']), /^application\/problem\+json/);
      }
    });

    it('answers 405 with what is allowed', async () => {
      const wrong: [method: string, url: string, allowed: string][] = [
        ['DELETE', '/v1/events', 'GET, HEAD, POST'],
        ['POST', '/v1/webhooks/wh_1', 'DELETE, GET, HEAD, PATCH, PUT'],
        ['GET', '/v1/deliveries/del_1/retry', 'POST'],
        ['OPTIONS', '/v1/event-types/a.b', 'DELETE, GET, HEAD, PUT'],
        ['POST', '/healthz', 'GET, HEAD'],
      ];
      for (const [method, url, allowed] of wrong) {
        const { status, headers, body } = await test.call(method, url);
        assert.equal(status, 405, `${method} ${url}`);
        assert.equal(headers.allow, allowed);
        assert.equal(body.code, 'method_not_allowed');
      }
    });
  });

  describe('bodies', () => {
    it('takes a charset, and refuses any other type', async () => {
      const ok = { 'content-type': 'Application/JSON; charset=utf-8' };
      assert.equal((await test.call('POST', '/v1/events', '{}', { headers: ok })).status, 422);
      for (const type of [
        'text/plain',
        'application/xml',
        'application/x-www-form-urlencoded',
        'nonsense',
        'application/json2',
      ]) {
        const { status, body } = await test.call('POST', '/v1/events', '{}', { headers: { 'content-type': type } });
        assert.equal(status, 415, type);
        assert.equal(body.code, 'unsupported_media_type');
      }
    });

    it('refuses a body without a type', async () => {
      const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-length': '2' };
      const response = await test.app.inject({
        method: 'POST',
        url: '/v1/events',
        headers,
        payload: Buffer.from('{}'),
      });
      assert.equal(response.statusCode, 415);
      assert.equal(response.json().code, 'unsupported_media_type');
    });

    it('takes the merge-patch type for PATCH alone', async () => {
      const headers = { 'content-type': 'application/merge-patch+json' };
      assert.equal((await test.call('POST', '/v1/webhooks', '{}', { headers })).status, 415);
    });

    it('does not mind an empty body with a JSON type where none is needed', async () => {
      const headers = { 'content-type': 'application/json' };
      assert.equal((await test.call('POST', '/v1/deliveries/del_1/retry', undefined, { headers })).status, 404);
    });

    it('says what is wrong with a missing one', async () => {
      for (const url of ['/v1/events', '/v1/events/batch', '/v1/webhooks', '/v1/event-types']) {
        const { status, body } = await test.call('POST', url);
        assert.equal(status, 422, url);
        assert.equal(body.code, 'invalid_fields');
        assert.equal(body.errors.length, 1);
      }
    });
  });

  describe('for machines', () => {
    it('answers health without a key', async () => {
      const options = { key: null };
      assert.deepEqual((await test.call('GET', '/healthz', undefined, options)).body, { status: 'ok' });
      assert.deepEqual((await test.call('GET', '/readyz', undefined, options)).body, { status: 'ok' });
      test.ready = false;
      const { status, headers, body } = await test.call('GET', '/readyz', undefined, options);
      test.ready = true;
      assert.equal(status, 503);
      assert.equal(headers['retry-after'], '1');
      assert.equal(body.code, 'store_unavailable');
      assert.equal((await test.call('GET', '/healthz', undefined, options)).status, 200);
    });

    it('answers 503 with Retry-After when the store cannot write', async () => {
      const { record } = test.store;
      test.store.record = () => Promise.reject(new AppError('store_unavailable', 'the disk is full'));
      const event = { event: 'user.session.ended', data: { user_id: 'u', session_id: 's' } };
      const { status, headers, body } = await test.call('POST', '/v1/events', event);
      test.store.record = record;
      assert.equal(status, 503);
      assert.equal(headers['retry-after'], '1');
      assert.equal(body.code, 'store_unavailable');
    });

    it('answers an unexpected error without its insides, and logs it', async () => {
      const { listEvents } = test.store;
      test.store.listEvents = () => Promise.reject(new Error('secret insides'));
      const response = await test.app.inject({ url: '/v1/events', headers: { authorization: `Bearer ${TEST_KEY}` } });
      test.store.listEvents = listEvents;
      assert.equal(response.statusCode, 500);
      assert.equal(response.json().code, 'internal_error');
      assert.doesNotMatch(response.body, /insides/);
      assert.match(String(test.unexpected.shift()), /secret insides/);
    });
  });
});
