import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { openTestApp, type TestApp } from '../test-app.ts';

const ended = (more: object = {}) => ({
  event: 'user.session.ended',
  data: { user_id: 'u1', session_id: 's1', ...more },
});

describe('publishing', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
    await test.call('POST', '/v1/webhooks', { url: 'https://a.example/', events: ['user.*'] });
    await test.call('POST', '/v1/webhooks', { url: 'https://b.example/', events: ['*'] });
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  describe('POST /v1/events', () => {
    it('takes the sample of every built-in type', async () => {
      for (const [event, { sample }] of Object.entries(catalog)) {
        if (event.startsWith('webhook.') || event.startsWith('delivery.')) continue;
        const { status, body } = await test.call('POST', '/v1/events', { event, data: sample });
        assert.equal(status, 202, JSON.stringify(body));
        assert.deepEqual(Object.keys(body), ['id', 'event', 'deliveries', 'duplicate']);
        assert.match(body.id, /^evt_[0-9a-f]{32}$/);
        assert.equal(body.deliveries, event.startsWith('user.') ? 2 : 1);
        assert.equal(body.duplicate, false);
      }
    });

    it('answers the first answer again to the same key, and 409 to another body', async () => {
      const headers = { 'idempotency-key': 'once' };
      const first = await test.call('POST', '/v1/events', ended(), { headers });
      const second = await test.call('POST', '/v1/events', ended(), { headers });
      assert.deepEqual(second.body, { ...first.body, duplicate: true });
      const other = await test.call('POST', '/v1/events', ended({ user_id: 'u2' }), { headers });
      assert.equal(other.status, 409);
      assert.equal(other.body.code, 'idempotency_conflict');
    });

    it("takes an event's own id as its key", async () => {
      const first = await test.call('POST', '/v1/events', { ...ended(), id: 'mine' });
      const second = await test.call('POST', '/v1/events', { ...ended(), id: 'mine' });
      assert.equal(second.body.id, first.body.id);
      assert.equal(second.body.duplicate, true);
    });

    it('refuses a key that is empty, too long or not printable', async () => {
      for (const key of ['', 'x'.repeat(256), 'caf\u00e9', 'a\tb']) {
        const { status, body } = await test.call('POST', '/v1/events', ended(), {
          headers: { 'idempotency-key': key },
        });
        assert.equal(status, 422, JSON.stringify(key));
        assert.equal(body.errors[0].path, 'Idempotency-Key');
      }
      const headers = { 'idempotency-key': 'x'.repeat(255) };
      assert.equal((await test.call('POST', '/v1/events', ended(), { headers })).status, 202);
    });

    const refused: [what: string, body: unknown, path: string, message: RegExp][] = [
      ['a typo in the type', { ...ended(), event: 'user.sesion.ended' }, 'event', /did you mean user\.session\.ended/],
      ['a reserved type', { ...ended(), event: 'webhook.test' }, 'event', /cannot be published/],
      ['no type', { data: {} }, 'event', /required/],
      ['no data', { event: 'user.session.ended' }, 'data', /required/],
      ['data that is a list', { event: 'user.session.ended', data: [] }, 'data', /object/],
      [
        'a missing field of data',
        { event: 'user.session.ended', data: { user_id: 'u' } },
        'data.session_id',
        /required/,
      ],
      ['a wrong type in data', ended({ user_id: 5 }), 'data.user_id', /string/],
      ['a field that no event has', { ...ended(), evnt: 1 }, 'evnt', /accepted: event, data/],
      ['a time without a zone', { ...ended(), timestamp: '2026-01-01T00:00:00' }, 'timestamp', /ISO 8601/],
      ['a time that does not exist', { ...ended(), timestamp: '2026-13-01T00:00:00Z' }, 'timestamp', /ISO 8601/],
      ['an empty id', { ...ended(), id: '' }, 'id', /1 to 255/],
      ['a list', [ended()], '', /object/],
      ['null', null, '', /object/],
    ];
    for (const [what, body, path, message] of refused) {
      it(`refuses ${what} at "${path}"`, async () => {
        const answer = await test.call('POST', '/v1/events', body);
        assert.equal(answer.status, 422);
        assert.equal(answer.body.code, 'invalid_fields');
        const error = answer.body.errors.find((each: { path: string }) => each.path === path);
        assert.match(error?.message, message);
      });
    }

    it('refuses a body above 256 KiB, and takes one just below', async () => {
      const sized = (bytes: number) => {
        const empty = JSON.stringify(ended({ note: '' })).length;
        return JSON.stringify(ended({ note: 'x'.repeat(bytes - empty) }));
      };
      assert.equal((await test.call('POST', '/v1/events', sized(256 * 1024))).status, 202);
      const { status, body } = await test.call('POST', '/v1/events', sized(256 * 1024 + 1));
      assert.equal(status, 413);
      assert.equal(body.code, 'payload_too_large');
      assert.match(body.detail, /256 KiB/);
    });
  });

  describe('POST /v1/events/batch', () => {
    const batch = (items: unknown, headers = {}) => test.call('POST', '/v1/events/batch', items, { headers });

    it('takes or refuses each item by itself, in order', async () => {
      const { status, body } = await batch({
        events: [ended(), { event: 'nope', data: {} }, ended({ user_id: 1 }), ended({ n: 2 }), 'text'],
      });
      assert.equal(status, 202);
      assert.equal(body.duplicate, false);
      assert.deepEqual(
        body.results.map((result: { status: number }) => result.status),
        [202, 422, 422, 202, 422],
      );
      assert.equal(body.results[0].deliveries, 2);
      assert.deepEqual(body.results[2].errors, [{ path: 'data.user_id', message: 'must be string' }]);
    });

    it('takes a bare list', async () => {
      assert.equal((await batch([ended()])).body.results.length, 1);
    });

    it('refuses an item that is too large, and no other', async () => {
      const { body } = await batch([ended({ note: 'x'.repeat(257 * 1024) }), ended()]);
      assert.deepEqual(
        body.results.map((result: { status: number }) => result.status),
        [422, 202],
      );
      assert.match(body.results[0].errors[0].message, /256 KiB/);
    });

    it('refuses an item whose JSON would be altered, and no other', async () => {
      const good = JSON.stringify(ended());
      const unsafe = '{"event":"user.session.ended","data":{"user_id":"u","session_id":"s","n":9007199254740993}}';
      const twice = '{"event":"user.session.ended","data":{"user_id":"u","user_id":"v","session_id":"s"}}';
      for (const [open, close] of [
        ['[', ']'],
        ['{ "events" : [', ']}'],
      ]) {
        const { status, body } = await batch(`${open}${[good, unsafe, twice, good].join(' ,\n')}${close}`);
        assert.equal(status, 202);
        assert.deepEqual(
          body.results.map((result: { status: number }) => result.status),
          [202, 422, 422, 202],
        );
        assert.equal(body.results[1].errors[0].path, 'data.n');
        assert.equal(body.results[2].errors[0].path, 'data.user_id');
      }
      const none = await batch(`[${unsafe},${twice}]`);
      assert.deepEqual(
        none.body.results.map((result: { status: number }) => result.status),
        [422, 422],
      );
    });

    it('refuses the whole for what is wrong outside of the items', async () => {
      const { status, body } = await batch(`{"events": [${JSON.stringify(ended())}], "events": []}`);
      assert.equal(status, 422);
      assert.equal(body.errors[0].path, 'events');
    });

    it('answers a repeated request with its first answer, refused items included', async () => {
      const headers = { 'idempotency-key': 'batch-once' };
      const items = [ended(), { event: 'nope', data: {} }];
      const first = await batch(items, headers);
      const second = await batch(items, headers);
      assert.equal(second.body.duplicate, true);
      assert.equal(second.body.results[0].id, first.body.results[0].id);
      assert.deepEqual(second.body.results[1], first.body.results[1]);
      assert.equal((await batch([ended({ n: 1 })], headers)).status, 409);
    });

    it('tells apart items with a known id and another body', async () => {
      const item = { ...ended(), id: 'item-1' };
      const { body } = await batch([item, item, { ...ended({ n: 1 }), id: 'item-1' }]);
      assert.deepEqual(
        body.results.map((result: { status: number; duplicate?: boolean }) => [result.status, result.duplicate]),
        [
          [202, false],
          [202, true],
          [409, undefined],
        ],
      );
    });

    it('is one commit', async () => {
      const before = (await test.store.counters()).commits;
      await batch(Array.from({ length: 200 }, (_, n) => ended({ n })));
      assert.equal((await test.store.counters()).commits, before + 1);
    });

    it('takes 1,000 items and no more, whatever their JSON', async () => {
      const items = (count: number, item = JSON.stringify(ended())) => `[${Array(count).fill(item).join(',')}]`;
      assert.equal((await batch(items(1_000))).body.results.length, 1_000);
      for (const body of [items(1_001), items(1_001, '{"n":1e400}')]) {
        const answer = await batch(body);
        assert.equal(answer.status, 413);
        assert.equal(answer.body.code, 'payload_too_large');
      }
    });

    it('refuses what is no list of items', async () => {
      for (const body of [{}, { events: [] }, [], 5, { events: 'x' }, '']) {
        const answer = await batch(body);
        assert.equal(answer.status, 422, JSON.stringify(body));
        assert.equal(answer.body.errors[0].path, 'events');
      }
    });

    it('refuses more than 5 MiB', async () => {
      const answer = await batch(`["${'x'.repeat(5 * 1024 * 1024)}"]`);
      assert.equal(answer.status, 413);
    });
  });
});
