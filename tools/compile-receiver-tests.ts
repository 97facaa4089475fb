import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCommand } from './run-command.ts';

/**
 * Compiles the receiver package with its tests, for runtimes that do not run TypeScript. The copy is laid out as the
 * published package, sources included, so that tests may read their own package.
 * @returns the compiled test files
 * @throws Error if it does not compile
 */
export async function compileReceiverTests(): Promise<string[]> {
  const copy = resolve('node_modules/.cache/receiver-tests');
  rmSync(copy, { recursive: true, force: true });
  cpSync('packages/receiver/package.json', join(copy, 'package.json'));
  cpSync('packages/receiver/src', join(copy, 'src'), { recursive: true });
  const settings = JSON.parse(readFileSync('tsconfig.json', 'utf8'));
  Object.assign(settings.compilerOptions, { noEmit: false, target: 'es2022', rootDir: 'src', outDir: 'dist' });
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify({ ...settings, include: ['src'], exclude: [] }));
  if ((await runCommand('tsc', ['-p', copy])) !== 0) throw new Error('The tests of the receiver do not compile.');
  return globSync('dist/**/*.test.js', { cwd: copy }).map((file) => join(copy, file));
}
