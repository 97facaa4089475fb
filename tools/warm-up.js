/**
 * `npm ci` and `npm install` run it at their end: starts the server once in an empty folder and stops it, so that its code is
 * compiled and cached before anybody waits for it. Nothing depends on it, so nothing that goes wrong here fails an installation.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = 'tools/broxi.js';
const TIMEOUT_MS = 20_000;

async function warmUp() {
  if (Number.parseInt(process.versions.node, 10) < 24) return;
  const folder = await mkdtemp(join(tmpdir(), 'broxi-warm-up-'));
  try {
    await startOnce(`sqlite:${folder}/broxi.db`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} database */
function startOnce(database) {
  const parameters = ['--conditions=source', MAIN, 'dev', '--port', '0', '--database-url', database];
  const server = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'ignore'] });
  const timer = setTimeout(() => server.kill('SIGKILL'), TIMEOUT_MS);
  // What it prints first is that it is ready.
  server.stdout.once('data', () => server.kill('SIGTERM'));
  return new Promise((resolve) => {
    const ended = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
    server.once('exit', ended).once('error', ended);
  });
}

await warmUp().catch(() => {});
