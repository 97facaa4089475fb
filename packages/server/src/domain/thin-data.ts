import { createRequire } from 'node:module';
import { isPlainObject } from './field-reader.ts';

const require = createRequire(import.meta.url);

/**
 * What a thin body has in place of an event's data: what the event is about, and nothing of what happened. The catalog marks
 * the fields of its types; of any other type it is the texts and numbers named `id`, or ending in `_id`, beside each other at
 * the top. The same for the same data, so that a body never changes between attempts.
 *
 * @param dataText `data` as `JSON.stringify` writes it @returns the same of the identifiers; `{}`: it has none
 */
export function thinDataText(type: string, dataText: string): string {
  const data = JSON.parse(dataText) as unknown;
  const thin: Tree = {};
  for (const path of identifiersOf(type) ?? customIdentifiers(data)) copy(data, thin, path);
  return JSON.stringify(thin);
}

interface Tree {
  [name: string]: string | number | Tree;
}

function copy(from: unknown, to: Tree, [name, ...inner]: readonly string[]): void {
  if (name === undefined || !isPlainObject(from) || !Object.hasOwn(from, name)) return;
  const value = from[name];
  if (inner.length === 0) {
    if (isIdentifier(value)) to[name] = value;
    return;
  }
  const thin: Tree = {};
  copy(value, thin, inner);
  if (Object.keys(thin).length > 0) to[name] = thin;
}

function customIdentifiers(data: unknown): string[][] {
  const names = isPlainObject(data) ? Object.keys(data) : [];
  return names.filter((name) => name === 'id' || name.endsWith('_id')).map((name) => [name]);
}

function isIdentifier(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** Paths, by type. */
let ofCatalog: ReadonlyMap<string, readonly (readonly string[])[]> | undefined;

/** The catalog brings its schemas' library along, so it is loaded for the first thin body: threads without one do not carry it. */
function identifiersOf(type: string): readonly (readonly string[])[] | undefined {
  if (ofCatalog === undefined) {
    const { catalog } = require('@broxi/events') as typeof import('@broxi/events');
    const entries = Object.entries(catalog);
    ofCatalog = new Map(entries.map(([name, { identifiers }]) => [name, identifiers.map((path) => path.split('.'))]));
  }
  return ofCatalog.get(type);
}
