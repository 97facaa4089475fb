import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { openTestApp, type TestApp } from '../test-app.ts';

const schema = { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } };

describe('/v1/event-types', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const create = (body: unknown) => test.call('POST', '/v1/event-types', body);

  it('lists every built-in and operational type with schema, description and sample', async () => {
    const { body } = await test.call('GET', '/v1/event-types');
    assert.deepEqual(
      body.data.map(({ name }: { name: string }) => name),
      Object.keys(catalog).sort(),
    );
    for (const type of body.data) {
      const known = catalog[type.name as keyof typeof catalog];
      assert.equal(type.description, known.description);
      assert.deepEqual(type.sample, known.sample);
      assert.deepEqual(type.schema, JSON.parse(JSON.stringify(known.schema)));
      assert.equal(type.kind, /^(webhook|delivery)\./.test(type.name) ? 'operational' : 'built_in');
    }
  });

  it('pages by name', async () => {
    const names: string[] = [];
    let query = '?limit=7';
    while (query !== '') {
      const { body } = await test.call('GET', `/v1/event-types${query}`);
      names.push(...body.data.map(({ name }: { name: string }) => name));
      query = body.next_cursor === null ? '' : `?limit=7&cursor=${body.next_cursor}`;
    }
    assert.deepEqual(names, Object.keys(catalog).sort());
  });

  it('registers a type, which can be published and subscribed to at once', async () => {
    const sample = { order_id: 'o1' };
    const created = await create({ name: 'order.paid', description: 'Paid.', schema, sample });
    assert.equal(created.status, 201);
    assert.equal(created.headers.location, '/v1/event-types/order.paid');
    const { body } = await test.call('GET', '/v1/event-types/order.paid');
    assert.deepEqual(body, created.body);
    assert.equal(body.kind, 'custom');
    assert.deepEqual(body.schema, schema);
    assert.deepEqual(body.sample, sample);
    assert.equal(
      (await test.call('POST', '/v1/webhooks', { url: 'https://a.example/', events: ['order.*'] })).status,
      201,
    );
    assert.equal((await test.call('POST', '/v1/events', { event: 'order.paid', data: sample })).body.deliveries, 1);
    const wrong = await test.call('POST', '/v1/events', { event: 'order.paid', data: {} });
    assert.equal(wrong.body.errors[0].path, 'data.order_id');
  });

  it('refuses to register it twice, and replaces it with PUT', async () => {
    const again = await create({ name: 'order.paid', schema: {} });
    assert.equal(again.status, 409);
    assert.equal(again.body.code, 'conflict');
    const { status, body } = await test.call('PUT', '/v1/event-types/order.paid', { schema: { type: 'object' } });
    assert.equal(status, 200);
    assert.equal(body.description, '');
    assert.equal(body.sample, null);
    assert.equal((await test.call('POST', '/v1/events', { event: 'order.paid', data: {} })).status, 202);
  });

  it('deletes it, and events of it are refused from then on', async () => {
    assert.equal((await test.call('DELETE', '/v1/event-types/order.paid')).status, 204);
    assert.equal((await test.call('DELETE', '/v1/event-types/order.paid')).status, 404);
    assert.equal((await test.call('GET', '/v1/event-types/order.paid')).status, 404);
    assert.equal((await test.call('POST', '/v1/events', { event: 'order.paid', data: {} })).status, 422);
  });

  it('keeps types of workspaces apart', async () => {
    await create({ name: 'own.thing', schema });
    assert.equal((await test.call('GET', '/v1/event-types/own.thing', undefined, { key: test.otherKey })).status, 404);
  });

  for (const [name, message] of [
    ['Order.Paid', /dots between/],
    ['order', /dots between/],
    ['order..paid', /dots between/],
    ['order.*', /dots between/],
    ['', /dots between/],
    [`a.${'b'.repeat(127)}`, /128/],
    ['webhook.custom', /reserved/],
    ['delivery.mine', /reserved/],
    ['workflow.completed', /built-in/],
    ['webhook.test', /built-in/],
  ] as const) {
    it(`refuses the name "${name.slice(0, 20)}"`, async () => {
      const { status, body } = await create({ name, schema });
      assert.equal(status, 422);
      assert.equal(body.errors[0].path, 'name');
      assert.match(body.errors[0].message, message);
      if (name === '') return;
      assert.equal((await test.call('PUT', `/v1/event-types/${encodeURIComponent(name)}`, { schema })).status, 422);
    });
  }

  const endless = { type: 'object', $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } };
  for (const [what, fields, path] of [
    ['no schema', {}, 'schema'],
    ['a schema that is text', { schema: '{}' }, 'schema'],
    ['an unknown type in the schema', { schema: { type: 'objct' } }, 'schema'],
    ['a pattern that is none', { schema: { pattern: '(' } }, 'schema'],
    ['a pattern with a look-behind', { schema: { properties: { a: { pattern: '(?<=a)b' } } } }, 'schema'],
    ['a reference to elsewhere', { schema: { $ref: 'https://example.com/s.json' } }, 'schema'],
    ['another draft', { schema: { $schema: 'http://json-schema.org/draft-07/schema#' } }, 'schema'],
    ['a schema that answers later', { schema: { $async: true } }, 'schema'],
    ['a schema that refers to itself without end', { schema: endless }, 'schema'],
    ['a schema above 64 KiB', { schema: { description: 'x'.repeat(65_537) } }, 'schema'],
    ['a sample that does not fit', { schema, sample: { order_id: 5 } }, 'sample.order_id'],
    ['a sample that is a list', { schema, sample: [] }, 'sample'],
    ['a sample above 64 KiB', { schema, sample: { order_id: 'x'.repeat(65_537) } }, 'sample'],
    ['a description that is too long', { schema, description: 'x'.repeat(2_001) }, 'description'],
    ['a description that is a number', { schema, description: 5 }, 'description'],
    ['an unknown field', { schema, shema: {} }, 'shema'],
  ] as const) {
    it(`refuses ${what} at "${path}"`, async () => {
      const { status, body } = await create({ name: 'bad.type', ...fields });
      assert.equal(status, 422, JSON.stringify(body));
      assert.ok(
        body.errors.some((error: { path: string }) => error.path === path),
        JSON.stringify(body.errors),
      );
      assert.equal((await test.call('GET', '/v1/event-types/bad.type')).status, 404);
    });
  }

  it('survives a schema that is endless only for some data', async () => {
    const linked = JSON.parse('{"type":"object","if":{"required":["loop"]},"then":{"$ref":"#"}}');
    assert.equal((await create({ name: 'linked.thing', schema: linked })).status, 201);
    const event = { event: 'linked.thing', data: { loop: 1 } };
    const { status, body } = await test.call('POST', '/v1/events', event);
    assert.equal(status, 422);
    assert.match(body.errors[0].message, /without end/);
    assert.equal((await test.call('POST', '/v1/events', { ...event, data: {} })).status, 202);
  });
});
