/**
 * `npm test`: everything, on the pinned runtime, and a smoke run on the lowest supported ones.
 * `npm test -- <file> …` runs only those files.
 */
import { globSync } from 'node:fs';
import { compileReceiverTests } from './compile-receiver-tests.ts';
import { provideLowestRuntime } from './lowest-runtimes.ts';
import { provideRequirements } from './requirements.ts';
import { runCommand } from './run-command.ts';

const GLOBS = [
  'packages/*/src/**/*.test.ts',
  'examples/**/*.test.ts',
  'bench/**/*.test.ts',
  'deploy/**/*.test.ts',
  'tools/**/*.test.ts',
];

async function main(): Promise<number> {
  const chosen = process.argv.slice(2);
  const files =
    chosen.length > 0 ? chosen : GLOBS.flatMap((glob) => globSync(glob, { exclude: ['**/node_modules/**'] }));
  if (files.length === 0) throw new Error('no test file was found');
  await provideRequirements();
  const failed = await runTests(process.execPath, files);
  if (failed !== 0 || chosen.length > 0) return failed;
  return await smokeRun();
}

function runTests(node: string, files: readonly string[]): Promise<number> {
  return runCommand(node, ['--conditions=source', '--test', '--test-concurrency=2', ...files]);
}

/** The server's end-to-end tests on the lowest Node that it supports, the receiver's tests on the lowest of that package. */
async function smokeRun(): Promise<number> {
  const files = globSync('packages/server/src/test/end-to-end/*.test.ts');
  if (files.length === 0) throw new Error('there is no end-to-end test for the smoke run');
  console.log('Smoke run on Node 24:');
  const failed = await runTests(provideLowestRuntime('node24'), files);
  if (failed !== 0) return failed;
  console.log('The receiver package on Node 18:');
  const compiled = await compileReceiverTests();
  if (compiled.length === 0) throw new Error('there is no compiled test of the receiver package');
  return await runCommand(provideLowestRuntime('node18'), ['--test', ...compiled]);
}

process.exitCode = await main();
