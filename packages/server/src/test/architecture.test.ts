import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';

/*
 * Who may see whom, read from the imports. The rules are a function over sources, so that each is also shown to fail.
 * Paths are relative to `src`. One that ends in `/` stands for everything below it.
 */

/** Files that put rooms together. The threads' entries belong to it: each builds its part of the server. */
const COMPOSITION_ROOTS = [
  'create-server.ts',
  'create-api.ts',
  'engine-thread.ts',
  'engine-thread-methods.ts',
  'reader-thread.ts',
];

/** Loads the threads' entries, which the composition root names. */
const THREAD_LOADER = 'threads/open-thread.ts';

/** Files without rooms behind them; every room but the domain may use them. */
const GROUND = ['errors.ts', 'clock.ts', 'ids.ts', 'version.ts'];

/** What product code of each room may import besides packages. A room or file that is not listed may import nothing. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain/', 'errors.ts'],
  store: ['store/', 'domain/', ...GROUND],
  publish: ['publish/', 'store/store.ts', 'domain/', ...GROUND],
  deliver: ['deliver/', 'store/store.ts', 'domain/', ...GROUND],
  http: ['http/', 'publish/', 'store/store.ts', 'domain/', ...GROUND],
  threads: ['threads/', 'errors.ts'],
  'config.ts': ['domain/', 'errors.ts'],
  'key-files.ts': ['errors.ts'],
  cli: [''],
  ...Object.fromEntries(COMPOSITION_ROOTS.map((file) => [file, ['']])),
};

/**
 * Packages that compute and do nothing else: all that the domain may use, beside what looks at text of `node:net`, and what
 * loads one of these packages when it is needed of `node:module`.
 */
const PURE_PACKAGES = [
  '@broxi/events',
  '@broxi/events/envelope',
  '@broxi/events/names',
  '@broxi/receiver',
  'typebox',
  're2js',
  'node:buffer',
];
const PURE_PARTS: Readonly<Record<string, RegExp>> = {
  'node:net': /^\{\s*((type )?(isIP|isIPv4|isIPv6|BlockList)[\s,]*)+\}$/,
  'node:module': /^\{\s*createRequire\s*\}$/,
};

/** By another name, what is loaded would not be seen. */
const MADE_REQUIRE = 'const require = createRequire(import.meta.url);';

const ENVIRONMENT =
  /\bprocess\s*\??\.\s*env\b|\bprocess\s*\[|\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\b|from\s*['"](node:)?process['"]/;
const TIME_OR_CHANCE =
  /\b(Date\s*\.\s*now|performance\s*\.\s*now|process\s*\.\s*hrtime)\b|\bDate\s*\(\s*\)|\bnew Date\b(?!\s*\(\s*[^)\s])/;
const CHANCE = /\bMath\s*\.\s*random\b/;
const CHANCE_CALLED = /\bMath\s*\.\s*random\s*\(/;

type Sources = ReadonlyMap<string, string>;

/** One sentence for each breach of the rules. */
function violations(sources: Sources): string[] {
  const found: string[] = [];
  for (const [file, source] of sources) {
    if (isTest(file)) continue;
    const code = withoutComments(source);
    for (const breach of [...brokenImports(file, code), ...brokenNames(file, code)]) found.push(`${file} ${breach}`);
  }
  return [...found, ...cycles(sources)];
}

function brokenImports(file: string, code: string): string[] {
  const room = file.includes('/') ? file.slice(0, file.indexOf('/')) : file;
  const allowed = MAY_IMPORT[room] ?? [];
  const driver = driverOf(file);
  if (/\bcreateRequire\s*\(/.test(code.replaceAll(MADE_REQUIRE, ''))) {
    return ['loads packages by another name than require'];
  }
  return importsOf(code).flatMap(({ specifier, clause }) => {
    if (specifier === null) return file === THREAD_LOADER ? [] : ['imports what is only known when it runs'];
    if (!specifier.startsWith('.')) {
      if (room !== 'domain' || PURE_PACKAGES.includes(specifier)) return [];
      return PURE_PARTS[specifier]?.test(clause) ? [] : [`imports ${specifier}, which is not pure`];
    }
    const target = resolve(file, specifier);
    const other = driverOf(target);
    if (isTest(target)) return [`imports ${target}, which is test code`];
    if (target.startsWith('cli/') && room !== 'cli') return [`imports ${target} of the command line`];
    if (other !== null && driver !== null && other !== driver) return [`imports ${target} of another driver`];
    if (other !== null && room === 'store' && driver === null && file !== 'store/open-store.ts') {
      return [`imports ${target} of a driver`];
    }
    const fits = allowed.some((path) =>
      path === '' || path.endsWith('/') ? target.startsWith(path) : target === path,
    );
    return fits ? [] : [`imports ${target}; allowed are ${allowed.join(', ') || 'packages alone'}`];
  });
}

function brokenNames(file: string, code: string): string[] {
  const withoutStrings = code.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''");
  const found: string[] = [];
  if (file !== 'config.ts' && ENVIRONMENT.test(code)) found.push('reads the environment');
  if (['clock.ts', 'ids.ts'].includes(file)) return found;
  // A composition root hands chance over, as it does with the clock.
  const chance = COMPOSITION_ROOTS.includes(file) ? CHANCE_CALLED : CHANCE;
  if (TIME_OR_CHANCE.test(withoutStrings) || chance.test(withoutStrings)) found.push('uses time or chance of its own');
  return found;
}

/** Circles of imports; type imports count, because they show that two files are one thing. */
function cycles(sources: Sources): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push(`circle: ${[...path.slice(start), file].join(' → ')}`);
    if (start >= 0 || done.has(file)) return;
    for (const { specifier } of importsOf(withoutComments(sources.get(file) ?? ''))) {
      if (specifier?.startsWith('.')) visit(resolve(file, specifier), [...path, file]);
    }
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
}

interface Import {
  /** Null if the code computes it. */
  specifier: string | null;
  /** What stands between `import` and `from`. */
  clause: string;
}

/** Static, type, re-exporting and dynamic imports, `require`, and the entries of threads (`new URL('./x.ts', import.meta.url)`). */
function importsOf(code: string): Import[] {
  const shapes = [
    /\b(?:import|export)\b(?<clause>[^'"`;()]*)\bfrom\s*(?<quote>['"])(?<specifier>.+?)\k<quote>/g,
    /\bimport\s*(?<quote>['"])(?<specifier>.+?)\k<quote>/g,
    /\b(?:import|require)\s*\(\s*(?:(?<quote>['"`])(?<specifier>[^'"`$]+)\k<quote>\s*[,)])?/g,
    /\bnew URL\(\s*(?<quote>['"])(?<specifier>[^'"]+\.ts)\k<quote>/g,
  ];
  return shapes.flatMap((shape) =>
    [...code.matchAll(shape)].map(({ groups }) => ({
      specifier: groups?.specifier ?? null,
      clause: groups?.clause?.replace(/^\s*type\b/, '').trim() ?? '',
    })),
  );
}

/** Strings, templates and regular expressions are matched too, so that a `//` inside of one starts no comment. */
function withoutComments(source: string): string {
  const tokens =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[(,=:[!&|?{};>]\s*|\breturn\s+)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;
  return source.replace(tokens, (token) => (token.startsWith('//') || token.startsWith('/*') ? ' ' : token));
}

function resolve(file: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(file), specifier));
}

/** `store/sqlite/queue.ts` → `sqlite`; null for what belongs to no driver, as `store/rows/`. */
function driverOf(file: string): string | null {
  return /^store\/(?!(?:conformance|rows)\/)([^/]+)\//.exec(file)?.[1] ?? null;
}

function isTest(file: string): boolean {
  return /\.test\.ts$|^test\/|^store\/conformance\/|(^|\/)(test|fake)-[^/]*\.ts$/.test(file);
}

test('the sources keep to the rules', () => {
  const folder = join(import.meta.dirname, '..');
  const files = globSync('**/*.ts', { cwd: folder }).map((file) => file.replaceAll('\\', '/'));
  const sources = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
  for (const room of ['cli/main.ts', 'http/app.ts', 'store/store.ts', 'create-server.ts'])
    assert.ok(sources.has(room), room);
  const imports = [...sources.values()].flatMap((source) => importsOf(withoutComments(source)));
  assert.ok(imports.length > 2 * sources.size, `only ${imports.length} imports in ${sources.size} files`);
  assert.deepEqual(violations(sources), []);
});

const breaches: readonly (readonly [file: string, source: string, breach: RegExp])[] = [
  ['domain/a.ts', `import { x } from '../store/store.ts';`, /^domain\/a\.ts imports store\/store\.ts; allowed are/],
  ['domain/a.ts', `import type { X } from '../clock.ts';`, /imports clock\.ts/],
  ['domain/a.ts', `import { readFile } from 'node:fs';`, /imports node:fs, which is not pure/],
  ['domain/a.ts', `import { connect, isIP } from 'node:net';`, /imports node:net, which is not pure/],
  ['domain/a.ts', `import { registerHooks } from 'node:module';`, /imports node:module, which is not pure/],
  [
    'domain/a.ts',
    `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nrequire('node:fs');`,
    /imports node:fs, which is not pure/,
  ],
  ['domain/a.ts', `createRequire(import.meta.url)('node:fs');`, /loads packages by another name than require/],
  ['domain/a.ts', `const load = createRequire(import.meta.url);\nload('node:fs');`, /by another name than require/],
  ['domain/a.ts', `import * as net from 'node:net';`, /imports node:net, which is not pure/],
  ['domain/a.ts', `import {\n  a,\n  type B,\n} from '../http/app.ts';`, /imports http\/app\.ts/],
  ['http/routes/a.ts', `import { x } from '../../deliver/engine.ts';`, /imports deliver\/engine\.ts/],
  ['http/a.ts', `export type { X } from '../store/sqlite/queue.ts';`, /imports store\/sqlite\/queue\.ts/],
  ['http/a.ts', `export * from '../store/vault.ts';`, /imports store\/vault\.ts/],
  ['publish/a.ts', `const x = await import('../deliver/engine.ts');`, /imports deliver\/engine\.ts/],
  ['publish/a.ts', `type X = import('../store/vault.ts').Vault;`, /imports store\/vault\.ts/],
  ['publish/a.ts', `import x from '../http/app.ts';`, /imports http\/app\.ts/],
  ['deliver/a.ts', `import type { P } from '../publish/publish-event.ts';`, /imports publish\/publish-event\.ts/],
  ['deliver/a.ts', `import '../store/sqlite/queue.ts';`, /imports store\/sqlite\/queue\.ts/],
  ['deliver/a.ts', 'await import(name);', /imports what is only known when it runs/],
  ['deliver/a.ts', `await import(\`../\${room}.ts\`);`, /imports what is only known when it runs/],
  ['deliver/a.ts', `import x from "../config.ts";`, /imports config\.ts/],
  ['deliver/a.ts', `new Worker(new URL('../http/a.ts', import.meta.url));`, /imports http\/a\.ts/],
  [
    'store/sqlite/a.ts',
    `import { x } from '../postgres/pool.ts';`,
    /imports store\/postgres\/pool\.ts of another driver/,
  ],
  ['store/store.ts', `import { x } from './sqlite/queue.ts';`, /imports store\/sqlite\/queue\.ts of a driver/],
  ['store/sqlite/a.ts', `import { x } from '../../publish/a.ts';`, /imports publish\/a\.ts/],
  ['threads/a.ts', `import { x } from '../store/store.ts';`, /imports store\/store\.ts/],
  ['config.ts', `import { x } from './store/store.ts';`, /imports store\/store\.ts/],
  ['clock.ts', `import { x } from './errors.ts';`, /allowed are packages alone/],
  ['new-root.ts', `import { x } from './http/app.ts';`, /^new-root\.ts imports http\/app\.ts/],
  ['create-server.ts', `import { x } from './cli/send.ts';`, /of the command line/],
  ['cli/a.ts', `import { x } from '../test/start-server.ts';`, /which is test code/],
  ['http/a.ts', `import { x } from './test-app.ts';`, /which is test code/],
  ['cli/a.ts', 'const port = process.env.PORT;', /reads the environment/],
  ['cli/a.ts', 'const { env, argv } = process;', /reads the environment/],
  ['cli/a.ts', `import { env } from 'node:process';`, /reads the environment/],
  ['cli/a.ts', `process['env'].PORT`, /reads the environment/],
  ['deliver/a.ts', 'const now = Date.now();', /uses time or chance of its own/],
  ['deliver/a.ts', `const now = \`\${new Date()}\`;`, /uses time or chance of its own/],
  ['deliver/a.ts', 'const now = performance.now();', /uses time or chance of its own/],
  ['deliver/a.ts', 'const jitter = Math.random;', /uses time or chance of its own/],
  ['engine-thread.ts', 'const jitter = Math.random();', /uses time or chance of its own/],
  ['http/a.ts', `import { a } from './a.ts';`, /^circle: http\/a\.ts → http\/a\.ts$/],
];

for (const [file, source, breach] of breaches) {
  test(`refuses in ${file}: ${source.replaceAll('\n', ' ')}`, () => {
    const found = violations(new Map([[file, source]]));
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', breach);
  });
}

test('finds a circle over several files, also of types', () => {
  const sources = new Map([
    ['http/a.ts', `import { b } from './b.ts';`],
    ['http/b.ts', `import { c } from './c.ts';`],
    ['http/c.ts', `import type { B } from './b.ts';`],
  ]);
  assert.deepEqual(violations(sources), ['circle: http/b.ts → http/c.ts → http/b.ts']);
});

test('takes what is allowed, and what only looks like a breach', () => {
  const sources = new Map([
    ['domain/a.ts', `import { isIPv4, type BlockList } from 'node:net';\nimport type { T } from 'typebox';`],
    ['http/a.ts', `import { p } from '../publish/p.ts';\nimport type { S } from '../store/store.ts';`],
    ['store/open-store.ts', `const { open } = await import('./sqlite/open.ts');`],
    [
      'store/sqlite/b.ts',
      `import type { S } from '../store.ts';\n// not Date.now(), see process.env\nconst url = 'http://x'; /* new Date() */`,
    ],
    [
      'deliver/a.ts',
      `const at = new Date(ms);\nconst hint = 'Date.now() is not used';\nconst quotes = /['"]/;\n// it's "import x from './http.ts'"`,
    ],
    ['engine-thread.ts', `start({ random: Math.random, http: await import('./http/a.ts') });`],
    ['config.ts', 'const env = process.env;'],
    ['cli/main.ts', `import { createServer } from '../create-server.ts';`],
    ['http/a.test.ts', `import { x } from '../store/sqlite/b.ts';\nDate.now();`],
  ]);
  assert.deepEqual(violations(sources), []);
});
