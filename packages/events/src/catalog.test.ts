import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Value } from 'typebox/value';
import { type BuiltInType, catalog, type EventData, type EventType, isBuiltInType } from './catalog.ts';
import { isReservedType, isTypeName } from './type-name.ts';

const REQUIRED_OF_BUILT_IN: Record<BuiltInType, string[]> = {
  'workflow.started': ['workflow_id', 'run_id'],
  'workflow.completed': ['workflow_id', 'run_id', 'output'],
  'workflow.failed': ['workflow_id', 'run_id', 'error'],
  'workflow.timeout': ['workflow_id', 'run_id', 'error'],
  'workflow.cancelled': ['workflow_id', 'run_id'],
  'component.started': ['workflow_id', 'run_id', 'component'],
  'component.completed': ['workflow_id', 'run_id', 'component'],
  'component.failed': ['workflow_id', 'run_id', 'component', 'error'],
  'component.timeout': ['workflow_id', 'run_id', 'component', 'error'],
  'user.message.received': ['user_id', 'session_id', 'message'],
  'user.session.started': ['user_id', 'session_id'],
  'user.session.ended': ['user_id', 'session_id'],
  'api.quota.warning': ['usage_percent', 'limit', 'reset_time'],
  'api.quota.exceeded': ['usage_percent', 'limit', 'reset_time'],
  'system.maintenance': ['starts_at', 'ends_at', 'message'],
};

const OPERATIONAL = [
  'webhook.test',
  'webhook.batch',
  'webhook.disabled',
  'webhook.circuit.opened',
  'webhook.circuit.closed',
  'delivery.exhausted',
];

const entries = Object.entries(catalog);

/** Paths of all named fields of a JSON Schema; array items as `[]`. */
function fieldsOfSchema(schema: unknown, prefix = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own =
    'properties' in schema && typeof schema.properties === 'object' && schema.properties !== null
      ? Object.entries(schema.properties).flatMap(([name, inner]) => [
          prefix + name,
          ...fieldsOfSchema(inner, `${prefix}${name}.`),
        ])
      : [];
  return 'items' in schema ? [...own, ...fieldsOfSchema(schema.items, `${prefix}[].`)] : own;
}

/** Paths of all fields that a value has, written as {@link fieldsOfSchema} writes them. */
function fieldsOfValue(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => fieldsOfValue(item, `${prefix}[].`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    prefix + name,
    ...fieldsOfValue(inner, `${prefix}${name}.`),
  ]);
}

/** What is at a dotted path. */
function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((node, name) => new Map(Object.entries(node ?? {})).get(name), value);
}

describe('catalog', () => {
  it('holds the fifteen built-in types and the six operational ones, and tells them apart', () => {
    assert.deepEqual(
      entries.map(([type]) => type),
      [...Object.keys(REQUIRED_OF_BUILT_IN), ...OPERATIONAL],
    );
    for (const [type] of entries) {
      assert.equal(isTypeName(type), true, type);
      assert.equal(isBuiltInType(type), type in REQUIRED_OF_BUILT_IN, type);
      assert.equal(isReservedType(type), OPERATIONAL.includes(type), type);
    }
  });

  it('takes nothing that objects inherit for a type', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      assert.equal(isBuiltInType(name), false, name);
    }
  });

  it('describes every type in one sentence, each differently', () => {
    for (const [type, { description }] of entries) assert.match(description, /^[A-Z][^.]+\.$/, type);
    assert.equal(new Set(entries.map(([, { description }]) => description)).size, entries.length);
  });

  it('has schemas that are plain JSON', () => {
    for (const [type, { schema }] of entries) {
      assert.deepEqual(JSON.parse(JSON.stringify(schema)), { ...schema }, type);
    }
  });

  for (const [type, required] of Object.entries(REQUIRED_OF_BUILT_IN)) {
    it(`requires of ${type} exactly what it must`, () => {
      assert.ok(isBuiltInType(type));
      const { schema, sample } = catalog[type];
      assert.deepEqual(new Set(schema.required), new Set(required));
      const needed = Object.fromEntries(Object.entries(sample).filter(([name]) => required.includes(name)));
      assert.equal(Value.Check(schema, needed), true);
      for (const name of required) {
        const { [name]: _, ...rest } = needed;
        assert.equal(Value.Check(schema, rest), false, `without ${name}`);
      }
    });
  }

  for (const [type, { schema, sample, identifiers }] of entries) {
    describe(type, () => {
      it('has a sample that is valid, complete and stable', () => {
        assert.deepEqual(Value.Errors(schema, sample), []);
        const shown = new Set(fieldsOfValue(sample));
        assert.deepEqual(
          fieldsOfSchema(schema).filter((path) => !shown.has(path)),
          [],
        );
        assert.deepEqual(JSON.parse(JSON.stringify(sample)), sample);
      });

      it('lets fields pass that it does not know', () => {
        assert.equal(Value.Check(schema, { ...sample, a_field_of_tomorrow: { a: [1] } }), true);
      });

      it('marks as identifiers every text that is named as one, and whatever else it marks is a text', () => {
        const named = fieldsOfSchema(schema).filter((path) => /^(?!.*\[\])(.*\.)?(\w+_)?id$/.test(path));
        assert.deepEqual(
          named.filter((path) => !identifiers.includes(path)),
          [],
        );
        for (const path of identifiers) assert.equal(typeof valueAt(sample, path), 'string', path);
        assert.deepEqual(
          identifiers.filter((path) => !named.includes(path)),
          type.startsWith('component.') ? ['component'] : [],
        );
      });

      it('refuses a known field of another kind', () => {
        for (const name of Object.keys(schema.properties)) {
          assert.equal(Value.Check(schema, { ...sample, [name]: true }), false, name);
        }
      });
    });
  }

  it('takes text, structured values and null for an output, and refuses a number', () => {
    const { schema } = catalog['workflow.completed'];
    const ids = { workflow_id: 'w', run_id: 'r' };
    for (const output of ['', 'text', null, { answer: 42 }, ['a', 1]]) {
      assert.equal(Value.Check(schema, { ...ids, output }), true, JSON.stringify(output));
    }
    assert.equal(Value.Check(schema, { ...ids, output: 42 }), false);
  });

  it('wants code and message of an error, and nothing more', () => {
    for (const type of ['workflow.failed', 'workflow.timeout', 'component.failed', 'component.timeout'] as const) {
      const { schema, sample } = catalog[type];
      assert.equal(Value.Check(schema, { ...sample, error: { code: 'E', message: 'm' } }), true, type);
      assert.equal(Value.Check(schema, { ...sample, error: { code: 'E' } }), false, type);
      assert.equal(Value.Check(schema, { ...sample, error: { message: 'm' } }), false, type);
    }
  });

  it('takes instants only as RFC 3339 says', () => {
    const { schema, sample } = catalog['api.quota.warning'];
    assert.equal(Value.Check(schema, { ...sample, reset_time: '2024-02-01T00:00:00Z' }), true);
    assert.equal(Value.Check(schema, { ...sample, reset_time: 'tomorrow' }), false);
  });
});

// Held by the type checker: a wrong type here does not compile.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const typesHold: [
  Same<EventData<'workflow.completed'>['run_id'], string>,
  Same<EventData<'workflow.completed'>['output'], string | Record<string, unknown> | unknown[] | null>,
  Same<EventData<'workflow.failed'>['error']['code'], string>,
  Same<EventData<'webhook.disabled'>['reason'], 'gone' | 'no_success'>,
  Same<Exclude<EventType, BuiltInType> extends `${'webhook' | 'delivery'}.${string}` ? true : false, true>,
] = [true, true, true, true, true];
void typesHold;
