import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openTestApp, type TestApp } from './test-app.ts';

interface Operation {
  summary?: string;
  operationId?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; description?: string }[];
  requestBody?: {
    required?: boolean;
    content: Record<string, { schema: Record<string, unknown>; example?: unknown; examples?: unknown }>;
  };
  responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
}

describe('the OpenAPI document', () => {
  let test: TestApp;
  // biome-ignore lint/suspicious/noExplicitAny: a foreign document
  let document: any;
  let operations: [name: string, operation: Operation][];
  before(async () => {
    test = await openTestApp();
    const response = await test.app.inject('/openapi.json');
    assert.equal(response.statusCode, 200);
    document = response.json();
    operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(([method, operation]): [string, Operation] => [
          `${method.toUpperCase()} ${path}`,
          operation,
        ]),
    );
  });
  after(() => test.close());

  it('is OpenAPI 3.1 with the version of the server', () => {
    assert.equal(document.openapi, '3.1.0');
    assert.equal(document.info.version, '1.2.3');
    assert.equal(document.components.securitySchemes.apiKey.scheme, 'bearer');
  });

  it('names every route, and nothing else', () => {
    assert.deepEqual(operations.map(([name]) => name).sort(), [
      'DELETE /v1/event-types/{name}',
      'DELETE /v1/webhooks/{id}',
      'GET /healthz',
      'GET /metrics',
      'GET /readyz',
      'GET /v1/deliveries',
      'GET /v1/deliveries/{id}',
      'GET /v1/deliveries/{id}/payload',
      'GET /v1/event-types',
      'GET /v1/event-types/{name}',
      'GET /v1/events',
      'GET /v1/events/{id}',
      'GET /v1/jobs',
      'GET /v1/jobs/{id}',
      'GET /v1/webhooks',
      'GET /v1/webhooks/{id}',
      'GET /v1/webhooks/{id}/versions',
      'PATCH /v1/webhooks/{id}',
      'POST /v1/deliveries/retry',
      'POST /v1/deliveries/{id}/cancel',
      'POST /v1/deliveries/{id}/replay',
      'POST /v1/deliveries/{id}/retry',
      'POST /v1/event-types',
      'POST /v1/events',
      'POST /v1/events/batch',
      'POST /v1/filters/test',
      'POST /v1/jobs/{id}/cancel',
      'POST /v1/webhooks',
      'POST /v1/webhooks/{id}/backfill',
      'POST /v1/webhooks/{id}/pause',
      'POST /v1/webhooks/{id}/read-token/rotate',
      'POST /v1/webhooks/{id}/resume',
      'POST /v1/webhooks/{id}/secret/reveal',
      'POST /v1/webhooks/{id}/test',
      'PUT /v1/event-types/{name}',
      'PUT /v1/webhooks/{id}',
    ]);
  });

  it('says of every route what it does, takes and answers', () => {
    for (const [name, operation] of operations) {
      assert.ok(operation.summary, `${name} has no summary`);
      assert.ok(operation.operationId, `${name} has no operationId`);
      for (const parameter of operation.parameters ?? []) {
        // A schema inside a list or an object may speak for the parameter.
        assert.ok(parameter.description ?? parameter.name, `${name}: ${parameter.name}`);
      }
      const statuses = Object.keys(operation.responses);
      assert.ok(
        statuses.some((status) => status.startsWith('2')),
        `${name} has no success`,
      );
      for (const [status, response] of Object.entries(operation.responses)) {
        assert.ok(response.description && response.description !== 'Default Response', `${name} ${status}`);
        if (status === '204') continue;
        assert.ok(response.content, `${name} ${status} has no content`);
        if (Number(status) < 400) continue;
        assert.deepEqual(response.content, {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        });
      }
      if (name.includes('/v1/') || name.includes('/metrics')) {
        const alsoTakes = name === 'GET /v1/deliveries/{id}/payload' ? [{ apiKey: [] }, { readToken: [] }] : undefined;
        assert.deepEqual(operation.security, alsoTakes, `${name} needs the key`);
        assert.ok(statuses.includes('401'), name);
      } else assert.deepEqual(operation.security, [], name);
    }
    const ids = operations.map(([, { operationId }]) => operationId);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('gives an example of every body', () => {
    for (const [name, { requestBody }] of operations) {
      if (requestBody === undefined) continue;
      for (const { schema, example, examples } of Object.values(requestBody.content)) {
        const reference = /#\/components\/schemas\/(\w+)$/.exec(String(schema.$ref ?? ''))?.[1];
        const described = reference === undefined ? schema : document.components.schemas[reference];
        assert.ok(example ?? examples ?? described.examples, name);
      }
    }
  });

  it('requires no body where none is needed', () => {
    const optional = operations.filter(([, { requestBody }]) => requestBody?.required === false).map(([name]) => name);
    assert.deepEqual(optional, ['POST /v1/webhooks/{id}/test']);
  });

  it('leads nowhere that is not there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    assert.ok(references.length > 50);
    for (const reference of references) {
      const target = String(reference)
        .replace(/^#\//, '')
        .split('/')
        // biome-ignore lint/suspicious/noExplicitAny: a foreign document
        .reduce((node: any, step) => node?.[step], document);
      assert.ok(target, String(reference));
    }
  });

  it('can be read at /docs without any other server', async () => {
    const page = await test.app.inject('/docs/');
    const redirected = page.statusCode === 302 ? await test.app.inject(String(page.headers.location)) : page;
    const html =
      redirected.statusCode === 200 ? redirected.body : (await test.app.inject('/docs/static/index.html')).body;
    assert.match(html, /swagger-ui/);
    assert.doesNotMatch(html, /(src|href)="https?:/);
    for (const [, asset] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const url = new URL(String(asset), 'http://localhost/docs/').pathname;
      assert.equal((await test.app.inject({ url })).statusCode, 200, url);
    }
    const policy = String(redirected.headers['content-security-policy']);
    assert.match(policy, /default-src 'self'/);
    assert.equal((await test.app.inject('/docs/nothing-here')).statusCode, 404);
  });
});
