import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findTool } from '../src/find-tool.ts';

/** Entry files: of the benchmark, of the stand-in for a server, and of the server. */
export const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const standIn = fileURLToPath(new URL('./stand-in-server.ts', import.meta.url));
export const realServer = fileURLToPath(new URL('../../packages/server/src/cli/main.ts', import.meta.url));

/** Why the benchmark cannot run here; false: it can. */
export const skip =
  process.platform !== 'linux' || !findTool('nginx') || !findTool('wrk') ? 'needs Linux, nginx and wrk' : false;

/** Runs the benchmark, with the stand-in for a server unless another is given, and answers what is left when it has ended. */
export async function runBench(
  t: TestContext,
  flags: string[],
  { env = {}, entry = standIn }: { env?: NodeJS.ProcessEnv; entry?: string } = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'broxi-bench-test-'));
  t.after(() => rm(directory, { recursive: true }));
  // Where PostgreSQL is measured, it runs as another user.
  await chmod(directory, 0o755);
  const args = ['--conditions=source', main, '--server-entry', entry, '--dir', directory, ...flags];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const file = /^written to (.*)$/m.exec(stdout)?.[1];
  if (file !== undefined) t.after(() => rm(file));
  const result: unknown = file === undefined ? null : JSON.parse(await readFile(file, 'utf8'));
  assert.deepEqual(await readdir(directory), [], 'the temporary folder is removed');
  return { code, stdout, stderr, result };
}
