import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The conditions of a resolution, the way package.json nests them: an object maps conditions to targets. */
type Target = string | { [condition: string]: Target };

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest: { exports: Record<string, Target>; imports: Record<string, Target> } = JSON.parse(
  readFileSync(resolve(root, 'package.json'), 'utf8'),
);

function resolveTarget(target: Target | undefined, conditions: readonly string[]): string | null {
  if (typeof target === 'string') return target;
  for (const [condition, nested] of Object.entries(target ?? {})) {
    if (condition !== 'default' && !conditions.includes(condition)) continue;
    const found = resolveTarget(nested, conditions);
    if (found !== null) return found;
  }
  return null;
}

/** Every file that `entry` loads under these conditions, and every import that leads out of the package. */
function readGraph(entry: string, conditions: readonly string[]) {
  const files = new Map<string, string>();
  const foreign = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    const source = readFileSync(path, 'utf8');
    files.set(path, source);
    const code = source.replaceAll(/^import type [^;]*;$|^export type \{[^;]*;$/gm, '');
    for (const [, specifier = ''] of code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)) {
      if (specifier.startsWith('.')) visit(resolve(path, '..', specifier));
      else if (specifier.startsWith('#'))
        visit(resolve(root, resolveTarget(manifest.imports[specifier], conditions) ?? ''));
      else foreign.add(specifier);
    }
  };
  const file = resolveTarget(manifest.exports[entry], conditions);
  assert.ok(file, `${entry} is exported`);
  visit(resolve(root, file));
  return { files, names: [...files.keys()].map((path) => basename(path)), foreign: [...foreign] };
}

test('elsewhere than on Node nothing outside the package is loaded, and no global of Node is used', () => {
  const { files, names, foreign } = readGraph('.', ['source', 'import']);
  assert.ok(names.includes('hmac-web.ts') && names.includes('check-scheme.ts') && names.includes('signature-plan.ts'));
  assert.deepEqual(foreign, []);
  for (const [path, source] of files)
    assert.doesNotMatch(source, /\b(Buffer|process|require|__dirname)\b\s*[.(]/, path);
});

test('on Node the same files compute with node:crypto, and nothing else is loaded', () => {
  const web = readGraph('.', ['source', 'import']);
  const node = readGraph('.', ['source', 'node', 'import']);
  assert.deepEqual(node.foreign, ['node:crypto']);
  const shared = (names: string[]) => names.filter((name) => !name.startsWith('hmac-')).sort();
  assert.ok(node.names.includes('hmac-node.ts') && !node.names.includes('hmac-web.ts'));
  assert.deepEqual(shared(node.names), shared(web.names));
  assert.deepEqual(readGraph('./node', ['source', 'node', 'import']).foreign, ['node:crypto']);
});

test('what is published maps file by file to the sources', () => {
  const built = (source: string | null) => source?.replace('./src/', './dist/').replace(/\.ts$/, '.js');
  const all = { ...manifest.exports, ...manifest.imports };
  assert.deepEqual(Object.keys(all), ['.', './node', '#hmac']);
  for (const [name, target] of Object.entries(all)) {
    for (const runtime of [['node'], []]) {
      const script = resolveTarget(target, [...runtime, 'import']);
      assert.equal(script, built(resolveTarget(target, ['source', ...runtime, 'import'])), name);
      const types = resolveTarget(target, ['types', ...runtime, 'import']);
      assert.equal(types, script?.replace(/\.js$/, '.d.ts'), name);
    }
  }
});
