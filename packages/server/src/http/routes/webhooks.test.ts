import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { newId } from '../../ids.ts';
import { MASK } from '../mask.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const minimal = { url: 'https://receiver.example/hook', events: ['workflow.completed'] };
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describe('/v1/webhooks', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const create = (config: unknown = minimal) => test.call('POST', '/v1/webhooks', config);
  const stored = async (id: string) => {
    const [latest] = await test.store.listWebhookVersions({ workspaceId: test.workspaceId, webhookId: id });
    assert.ok(latest);
    return latest;
  };

  describe('create', () => {
    it('fills in the defaults, and shows the secret for the only time', async () => {
      const { status, headers, body } = await create();
      assert.equal(status, 201);
      assert.equal(headers.location, `/v1/webhooks/${body.id}`);
      assert.equal(headers.etag, '"1"');
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(body.id, /^wh_[0-9a-f]{32}$/);
      assert.match(body.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
      assert.equal(Buffer.from(body.secret.slice(6), 'base64').length, 32);
      assert.equal(body.secret, (await stored(body.id)).secret);
      assert.equal(body.version, 1);
      assert.equal(body.timeout, 30);
      assert.equal(body.active, true);
      assert.equal(body.retry_policy.max_retries, 3);
      assert.equal(body.max_concurrency, 16);
      assert.deepEqual(body.warnings, []);
      const read = await test.call('GET', `/v1/webhooks/${body.id}`);
      assert.equal(read.headers.etag, '"1"');
      const { read_token: _, ...shown } = body;
      assert.deepEqual(read.body, { ...shown, secret: MASK });
      assert.deepEqual(body.destinations, [
        {
          url: body.url,
          signature_scheme: null,
          scheme_learned_at: null,
          waits_until: null,
          circuit: { state: 'closed', since: null, next_probe_at: null },
          failing_since: null,
        },
      ]);
    });

    it('takes the form of the user guide, wrapped in webhook_config', async () => {
      const { status, body } = await create({
        webhook_config: {
          url: 'https://your-app.com/webhooks/broxi',
          events: ['workflow.completed', 'workflow.failed', 'user.message.received'],
          secret: 'webhook_secret_key_here',
          retry_policy: { max_retries: 3, retry_delay: 5, exponential_backoff: true },
          headers: { 'X-Custom-Header': 'custom-value', Authorization: 'Bearer your-auth-token' },
          timeout: 30,
          active: true,
        },
      });
      assert.equal(status, 201);
      assert.equal(body.secret, 'webhook_secret_key_here');
      assert.match(body.warnings.join(), /whsec_/);
      assert.deepEqual(body.headers, { 'X-Custom-Header': MASK, Authorization: MASK });
      assert.equal((await stored(body.id)).config.headers.Authorization, 'Bearer your-auth-token');
    });

    for (const [what, fields, path, message] of [
      ['a typo in a field', { evnts: [] }, 'evnts', /events/],
      ['no url', { url: undefined }, 'url', /required/],
      ['http', { url: 'http://receiver.example/' }, 'url', /https/],
      ['a private address', { url: 'https://10.0.0.1/' }, 'url', /private/],
      ['a text for a number', { timeout: 'soon' }, 'timeout', /./],
      ['a reserved header', { headers: { 'X-Broxi-Event': 'x' } }, 'headers.X-Broxi-Event', /./],
      ['a line break in a header', { headers: { 'X-A': 'a\r\nb' } }, 'headers.X-A', /line breaks/],
      ['the mask as a header value', { headers: { 'X-A': MASK } }, 'headers.X-A', /Latin-1/],
      ['the mask as the secret', { secret: MASK }, 'secret', /./],
      ['an unknown event', { events: ['workflow.complete'] }, 'events[0]', /did you mean workflow\.completed/],
      ['an unknown family', { events: ['*', 'workflows.*'] }, 'events[1]', /did you mean workflow\.\*/],
      ['a reserved family', { events: ['webhook.*'] }, 'events[0]', /./],
      ['what is not supported yet', { batch: { size: 10 } }, 'batch', /not supported/],
      ['an unknown operator', { filters: { cost: { more_than: 1 } } }, 'filters.cost.more_than', /not an operator/],
      ['an id of its own', { id: 'wh_1' }, 'id', /./],
    ] as const) {
      it(`refuses ${what} at "${path}"`, async () => {
        const { status, body } = await create({ ...minimal, ...fields });
        assert.equal(status, 422);
        const error = body.errors.find((each: { path: string }) => each.path === path);
        assert.match(error?.message ?? JSON.stringify(body.errors), message);
      });
    }

    it('names the wrapper in the path of an unknown event', async () => {
      const { body } = await create({ webhook_config: { ...minimal, events: ['nope.nope'] } });
      assert.equal(body.errors[0].path, 'webhook_config.events[0]');
    });

    it('takes an operational event by its name', async () => {
      assert.equal((await create({ ...minimal, events: ['delivery.exhausted', '*'] })).status, 201);
    });
  });

  describe('PATCH', () => {
    it('changes what it names, and makes a version', async () => {
      const { body: before } = await create({ ...minimal, headers: { 'X-A': '1', 'X-B': '2' }, secret: SECRET });
      test.advance(1_000);
      const { status, headers, body } = await test.call('PATCH', `/v1/webhooks/${before.id}`, {
        active: false,
        headers: { 'X-B': null, 'X-C': '3' },
      });
      assert.equal(status, 200);
      assert.equal(headers.etag, '"2"');
      assert.equal(body.active, false);
      assert.equal(body.version, 2);
      assert.equal(body.created_at, before.created_at);
      assert.notEqual(body.updated_at, before.updated_at);
      assert.deepEqual((await stored(before.id)).config.headers, { 'X-A': '1', 'X-C': '3' });
      assert.equal((await stored(before.id)).secret, SECRET);
    });

    it('takes the merge-patch type and the wrapper', async () => {
      const { body: before } = await create();
      const headers = { 'content-type': 'application/merge-patch+json' };
      const patch = { webhook_config: { name: 'mine', timeout: '10s' } };
      const { body } = await test.call('PATCH', `/v1/webhooks/${before.id}`, patch, { headers });
      assert.equal(body.name, 'mine');
      assert.equal(body.timeout, 10);
      const reset = await test.call('PATCH', `/v1/webhooks/${before.id}`, { timeout: null }, { headers });
      assert.equal(reset.body.timeout, 30);
    });

    it('takes a new secret and does not repeat it', async () => {
      const { body: before } = await create();
      const { body } = await test.call('PATCH', `/v1/webhooks/${before.id}`, { secret: SECRET });
      assert.equal(body.secret, MASK);
      assert.equal((await stored(before.id)).secret, SECRET);
    });

    it('takes back what a read showed, and keeps what it masked', async () => {
      const { body: before } = await create({ ...minimal, headers: { 'X-A': 'one' }, secret: SECRET });
      const { body: read } = await test.call('GET', `/v1/webhooks/${before.id}`);
      for (const method of ['PATCH', 'PUT']) {
        const { status, body } = await test.call(method, `/v1/webhooks/${before.id}`, {
          ...read,
          name: method,
          headers: { ...read.headers, 'X-B': 'two' },
        });
        assert.equal(status, 200, JSON.stringify(body));
        const { config, secret } = await stored(before.id);
        assert.equal(config.name, method);
        assert.deepEqual(config.headers, { 'X-A': 'one', 'X-B': 'two' });
        assert.equal(secret, SECRET);
      }
    });

    it('keeps what was masked of a route for its own URL only', async () => {
      const routes = [
        { when: { workflow_id: 'a' }, url: 'https://a.example/', headers: { 'X-Key': 'of a' } },
        { when: { workflow_id: 'b' }, url: 'https://b.example/', headers: { 'X-Key': 'of b' } },
      ];
      const { body: created } = await create({ ...minimal, routes, filters: { user_id: null } });
      const [a, b] = created.routes;
      assert.deepEqual([a.headers, b.headers], [{ 'X-Key': MASK }, { 'X-Key': MASK }]);
      const save = (changed: object[]) => test.call('PATCH', `/v1/webhooks/${created.id}`, { routes: changed });
      const { body: swapped } = await save([b, a]);
      assert.deepEqual([swapped.routes[0].id, swapped.routes[1].id], [b.id, a.id]);
      const { config } = await stored(created.id);
      assert.deepEqual(
        config.routes?.map(({ url, headers }) => [url, headers['X-Key']]),
        [
          ['https://b.example/', 'of b'],
          ['https://a.example/', 'of a'],
        ],
      );
      const stolen = await save([b, { ...a, url: 'https://thief.example/' }]);
      assert.equal(stolen.status, 422);
      assert.equal(stolen.body.errors[0].path, 'routes[1].headers.X-Key');
      const { body: versions } = await test.call('GET', `/v1/webhooks/${created.id}/versions`);
      assert.ok(!JSON.stringify(versions).includes('of a'));
      const { body: read } = await test.call('GET', `/v1/webhooks/${created.id}`);
      for (const method of ['PATCH', 'PUT']) {
        const { status } = await test.call(method, `/v1/webhooks/${created.id}`, read);
        assert.equal(status, 200);
        const again = await stored(created.id);
        assert.deepEqual([again.config.routes, again.config.filters], [config.routes, config.filters]);
      }
    });

    it('knows a route again that is sent without its id', async () => {
      const [a, b] = [
        { when: { workflow_id: 'a' }, url: 'https://a.example/' },
        { when: { workflow_id: 'b' }, url: 'https://b.example/' },
      ];
      const { body: created } = await create({ ...minimal, routes: [a, b] });
      const ids = created.routes.map(({ id }: { id: number }) => id);
      const moved = { ...a, url: 'https://moved.example/' };
      const renamed = { ...b, when: { workflow_id: 'c' } };
      for (const [method, body] of [
        ['PUT', { ...minimal, routes: [renamed, moved] }],
        ['PATCH', { routes: [b, a] }],
      ] as const) {
        const { body: saved } = await test.call(method, `/v1/webhooks/${created.id}`, body);
        assert.deepEqual(
          saved.routes.map(({ id }: { id: number }) => id),
          ids.toReversed(),
        );
      }
    });

    it('warns of a filter that a subscribed type can never pass, and saves it', async () => {
      const { status, body } = await create({ ...minimal, events: ['workflow.completed'], filters: { outptu: 'x' } });
      assert.equal(status, 201);
      assert.match(
        body.warnings.join(),
        /filters\.outptu: workflow\.completed never has outptu; did you mean output\?/,
      );
    });

    it('shows each destination of a webhook with routes', async () => {
      const route = { when: { workflow_id: 'a' }, url: 'https://a.example/' };
      const { body } = await create({ ...minimal, routes: [route] });
      assert.deepEqual(
        body.destinations.map(({ url }: { url: string }) => url),
        [minimal.url, 'https://a.example/'],
      );
    });

    it('refuses what cannot be, and changes nothing', async () => {
      const { body: before } = await create();
      for (const [patch, path] of [
        [{ url: null }, 'url'],
        [{ secret: null }, 'secret'],
        [{ events: ['nope.nope'] }, 'events[0]'],
        [{ activ: false }, 'activ'],
        [{ headers: { 'X-New': MASK } }, 'headers.X-New'],
        [[], ''],
      ] as const) {
        const { status, body } = await test.call('PATCH', `/v1/webhooks/${before.id}`, patch);
        assert.equal(status, 422);
        assert.equal(body.errors[0].path, path);
      }
      assert.equal((await stored(before.id)).version, 1);
    });

    it('does not stumble over a type that was deleted meanwhile', async () => {
      await test.call('PUT', '/v1/event-types/gone.soon', { schema: {} });
      const { body: before } = await create({ ...minimal, events: ['gone.soon'] });
      await test.call('DELETE', '/v1/event-types/gone.soon');
      assert.equal((await test.call('PATCH', `/v1/webhooks/${before.id}`, { active: false })).status, 200);
    });
  });

  describe('PUT', () => {
    it('resets what it leaves out, but for the secret', async () => {
      const { body: before } = await create({ ...minimal, name: 'x', timeout: 5, secret: SECRET });
      const { status, body } = await test.call('PUT', `/v1/webhooks/${before.id}`, minimal);
      assert.equal(status, 200);
      assert.equal(body.name, null);
      assert.equal(body.timeout, 30);
      assert.equal(body.secret, MASK);
      assert.equal((await stored(before.id)).secret, SECRET);
      assert.equal((await test.call('PUT', `/v1/webhooks/${before.id}`, { events: ['*'] })).body.errors[0].path, 'url');
    });
  });

  describe('If-Match', () => {
    const change = (method: string, id: string, ifMatch: string) =>
      test.call(method, `/v1/webhooks/${id}`, method === 'DELETE' ? undefined : minimal, {
        headers: { 'if-match': ifMatch },
      });

    it('guards every change', async () => {
      const { body } = await create();
      for (const method of ['PATCH', 'PUT', 'DELETE']) {
        const { status, body: problem } = await change(method, body.id, '"7"');
        assert.equal(status, 412);
        assert.equal(problem.code, 'version_mismatch');
        assert.match(problem.detail, /version 1/);
      }
      assert.equal((await change('PATCH', body.id, '"1"')).status, 200);
      assert.equal((await change('PUT', body.id, '2')).status, 200);
      assert.equal((await change('PATCH', body.id, '"9", "3"')).status, 200);
      assert.equal((await change('DELETE', body.id, '*')).status, 204);
    });

    it('refuses what can be no version', async () => {
      const { body } = await create();
      for (const value of ['W/"1"', '"abc"', '', '"1', '-1']) {
        const { status, body: problem } = await change('PATCH', body.id, value);
        assert.equal(status, 422, value);
        assert.equal(problem.errors[0].path, 'If-Match');
      }
    });

    it('lets one of two changes of the same version through', async () => {
      const { body } = await create();
      const both = await Promise.all([change('PATCH', body.id, '"1"'), change('PATCH', body.id, '"1"')]);
      assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);
    });

    it('makes both of two changes without it', async () => {
      const { body } = await create();
      const patch = (fields: object) => test.call('PATCH', `/v1/webhooks/${body.id}`, fields);
      const both = await Promise.all([patch({ name: 'named' }), patch({ timeout: 7 })]);
      assert.deepEqual(
        both.map(({ status }) => status),
        [200, 200],
      );
      const { config, version } = await stored(body.id);
      assert.equal(version, 3);
      assert.equal(config.name, 'named');
      assert.equal(config.timeout, 7);
    });
  });

  describe('DELETE', () => {
    it('takes the webhook out of sight and out of publishing, and keeps its versions', async () => {
      const { body } = await create({ ...minimal, events: ['system.maintenance'] });
      const data = { starts_at: '2026-01-01T00:00:00Z', ends_at: '2026-01-01T01:00:00Z', message: 'm' };
      const publish = async () =>
        (await test.call('POST', '/v1/events', { event: 'system.maintenance', data })).body.deliveries;
      const owed = await publish();
      const { status, body: empty } = await test.call('DELETE', `/v1/webhooks/${body.id}`);
      assert.equal(status, 204);
      assert.equal(empty, '');
      assert.notEqual((await stored(body.id)).deletedAt, null);
      for (const method of ['GET', 'DELETE', 'PATCH', 'PUT']) {
        const again = await test.call(method, `/v1/webhooks/${body.id}`, method.startsWith('P') ? minimal : undefined);
        assert.equal(again.status, 404, method);
      }
      assert.equal(await publish(), owed - 1);
    });
  });

  it('lists newest first, page by page', async () => {
    const all = await test.call('GET', '/v1/webhooks?limit=200');
    const ids = all.body.data.map(({ id }: { id: string }) => id);
    assert.ok(ids.length > 5);
    assert.deepEqual(ids, [...ids].sort().reverse());
    const first = await test.call('GET', '/v1/webhooks?limit=3');
    const second = await test.call('GET', `/v1/webhooks?limit=3&cursor=${first.body.next_cursor}`);
    assert.deepEqual(
      [...first.body.data, ...second.body.data].map(({ id }: { id: string }) => id),
      ids.slice(0, 6),
    );
  });

  it('shows and changes nothing of another workspace', async () => {
    const { body } = await create();
    const options = { key: test.otherKey };
    for (const [method, path, input] of [
      ['GET', '', undefined],
      ['PATCH', '', { active: false }],
      ['PUT', '', minimal],
      ['DELETE', '', undefined],
      ['GET', '/versions', undefined],
      ['POST', '/test', undefined],
      ['POST', '/secret/reveal', undefined],
    ] as const) {
      assert.equal((await test.call(method, `/v1/webhooks/${body.id}${path}`, input, options)).status, 404, path);
    }
    assert.equal((await stored(body.id)).version, 1);
  });

  it('answers 404 for what is not there', async () => {
    for (const id of [newId('wh'), newId('evt'), 'nonsense', '%00', '__proto__', 'constructor']) {
      assert.equal((await test.call('GET', `/v1/webhooks/${id}`)).status, 404, id);
      assert.equal((await test.call('PATCH', `/v1/webhooks/${id}`, {})).status, 404, id);
    }
  });
});
