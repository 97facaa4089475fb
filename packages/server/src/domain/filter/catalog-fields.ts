import { createRequire } from 'node:module';
import type { Kind } from './contradiction.ts';

const require = createRequire(import.meta.url);

/** What an event type has at some place: these kinds of value, anything at all, or nothing ever. */
export type FieldKinds = ReadonlySet<Kind> | 'anything' | 'nothing';

type Schema = Readonly<Record<string, unknown>>;

/** What a type of the catalog has at the end of these steps, by its schema. */
export function fieldKinds(type: string, steps: readonly string[]): FieldKinds {
  const entry = entries().get(type);
  return entry === undefined ? 'anything' : kindsAt(entry, steps);
}

/** The fields of a type of the catalog, dotted. */
export function fieldsOf(type: string): readonly string[] {
  const entry = entries().get(type);
  return entry === undefined ? [] : namesIn(entry);
}

/** Whether some type of the catalog has a field of exactly this dotted name. */
export function isCatalogField(name: string): boolean {
  allFields ??= new Set([...entries().keys()].flatMap(fieldsOf));
  return allFields.has(name);
}

let allEntries: ReadonlyMap<string, Schema> | undefined;
let allFields: ReadonlySet<string> | undefined;

/** The catalog brings its schemas' library along, so it is loaded when a filter first asks for it: threads without one do not carry it. */
function entries(): ReadonlyMap<string, Schema> {
  if (allEntries === undefined) {
    const { catalog } = require('@broxi/events') as typeof import('@broxi/events');
    allEntries = new Map(Object.entries(catalog).map(([type, { schema }]): [string, Schema] => [type, { ...schema }]));
  }
  return allEntries;
}

/** An array on the way stands for its elements, as it does in a filter. */
function kindsAt(schema: Schema, steps: readonly string[]): FieldKinds {
  const { anyOf, type, items, properties } = schema;
  if (Array.isArray(anyOf)) return union(anyOf.map((one: Schema) => kindsAt(one, steps)));
  const [step, ...rest] = steps;
  if (step === undefined) return kindsOfType(schema);
  if (type === 'array') return isSchema(items) ? kindsAt(items, steps) : 'anything';
  if (type !== 'object') return type === undefined ? 'anything' : 'nothing';
  if (!isSchema(properties)) return 'anything';
  const member = Object.hasOwn(properties, step) ? properties[step] : undefined;
  return isSchema(member) ? kindsAt(member, rest) : 'nothing';
}

const KINDS = new Map<unknown, Kind>([
  ['string', 'text'],
  ['number', 'number'],
  ['integer', 'number'],
  ['boolean', 'boolean'],
  ['null', 'null'],
  ['array', 'array'],
  ['object', 'object'],
]);

function kindsOfType({ type }: Schema): FieldKinds {
  const kind = KINDS.get(type);
  return kind === undefined ? 'anything' : new Set([kind]);
}

function union(all: readonly FieldKinds[]): FieldKinds {
  if (all.includes('anything')) return 'anything';
  const kinds = all.flatMap((one) => (typeof one === 'string' ? [] : [...one]));
  return kinds.length === 0 ? 'nothing' : new Set(kinds);
}

function namesIn({ properties, items }: Schema): string[] {
  if (isSchema(items)) return namesIn(items);
  if (!isSchema(properties)) return [];
  return Object.entries(properties).flatMap(([name, member]) => [
    name,
    ...(isSchema(member) ? namesIn(member).map((inner) => `${name}.${inner}`) : []),
  ]);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}
