import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { closeObjects } from './check-answers.ts';
import { openTestApp, type TestApp } from './test-app.ts';

interface Example {
  /** Steps from the root of the document to the schema. */
  at: readonly string[];
  value: unknown;
}

describe('the examples of the OpenAPI document', () => {
  let test: TestApp;
  let document: object;
  let examples: Example[];
  before(async () => {
    test = await openTestApp();
    document = (await test.app.inject('/openapi.json')).json();
    examples = [...examplesIn(document)];
  });
  after(() => test.close());

  it('are what their schemas say, with no field beside', () => {
    const closed = structuredClone(document);
    closeObjects(closed);
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    // The document is not a schema itself; only its parts are.
    ajv.addSchema(closed, 'openapi', undefined, false);
    assert.ok(examples.length >= 15, String(examples.length));
    for (const { at, value } of examples) {
      const validate = ajv.compile({ $ref: `openapi#/${at.map(escaped).join('/')}` });
      assert.ok(validate(value), `${at.join(' ')}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`);
    }
  });

  it('show filters, conditions, routes and payloads of a webhook, which can be saved and tried', async () => {
    const config = Object.fromEntries(
      ['filters', 'conditions', 'routes', 'payload'].map((name) => {
        const example = examples.find(
          ({ at }) => at.join('/') === `components/schemas/WebhookConfig/properties/${name}`,
        );
        assert.ok(example, name);
        return [name, example.value];
      }),
    );
    const whole = { url: 'https://a.example/', events: ['workflow.completed', 'workflow.failed'], ...config };
    const { status, body } = await test.call('POST', '/v1/webhooks', whole);
    assert.equal(status, 201, JSON.stringify(body));
    assert.partialDeepStrictEqual(body, { filters: config.filters, conditions: config.conditions, payload: 'thin' });
    const tests = examples.filter(({ at }) => at.includes('/v1/filters/test'));
    const bodies = tests.filter(({ at }) => at.includes('requestBody') && !at.includes('properties'));
    assert.equal(bodies.length, 2);
    for (const { value } of bodies) {
      const answer = await test.call('POST', '/v1/filters/test', value);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.deepEqual(answer.body.warnings, []);
    }
    const [answer] = tests.filter(({ at }) => at.includes('responses') && !at.includes('properties'));
    assert.deepEqual(answer?.value, (await test.call('POST', '/v1/filters/test', bodies[0]?.value)).body);
  });
});

/** `examples` of schemas, and `example` or `examples` beside the schema of a body. */
function* examplesIn(node: unknown, at: readonly string[] = []): Generator<Example> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, inner] of Object.entries(node)) {
    if (name === 'example' || name === 'examples') {
      const values =
        name === 'example' ? [inner] : Array.isArray(inner) ? inner : Object.values(inner).map(exampleValue);
      for (const value of values) yield { at: 'schema' in node ? [...at, 'schema'] : at, value };
    } else yield* examplesIn(inner, [...at, name]);
  }
}

function exampleValue(example: unknown): unknown {
  return (example as { value: unknown }).value;
}

function escaped(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}
