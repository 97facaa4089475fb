/**
 * Checks the packages as their users get them: packs the built ones, unpacks them into an empty application, imports every
 * entry, and starts the server, which must get ready and stop when it is asked to.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PUBLIC_PACKAGES } from './packages.ts';

const LIMIT_MS = 30_000;

interface Packed {
  name: string;
  filename: string;
}

/** @returns the folder of the application. It lies below node_modules, where packages of others are found. */
function unpackAll(): { app: string; names: string[] } {
  const app = resolve('node_modules/.cache/packed');
  rmSync(app, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  const folders = PUBLIC_PACKAGES.map((name) => `./packages/${name}`);
  const output = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', app, ...folders], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // npm 11 answers with a list, later ones with an object by name.
  const packed: Packed[] = Object.values(JSON.parse(output));
  for (const { name, filename } of packed) {
    const folder = join(app, 'node_modules', name);
    mkdirSync(folder, { recursive: true });
    execFileSync('tar', ['-xzf', join(app, filename), '-C', folder, '--strip-components=1']);
  }
  return { app, names: packed.map(({ name }) => name) };
}

function importEntries(app: string, name: string): void {
  const manifest = JSON.parse(readFileSync(join(app, 'node_modules', name, 'package.json'), 'utf8'));
  for (const entry of Object.keys(manifest.exports ?? {})) {
    const script = `await import(${JSON.stringify(name + entry.slice(1))})`;
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: app, stdio: 'inherit' });
  }
}

async function startServer(app: string): Promise<void> {
  const main = join(app, 'node_modules/broxi-webhooks/dist/cli/main.js');
  const server = spawn(process.execPath, [main, 'dev', '--port', '0'], { cwd: app, stdio: ['ignore', 'pipe', 'pipe'] });
  const limit = setTimeout(() => server.kill('SIGKILL'), LIMIT_MS);
  const exited = once(server, 'exit');
  try {
    const url = await announcedUrl(server);
    const { status } = await fetch(`${url}/readyz`);
    if (status !== 200) throw new Error(`the packed server answers ${status} at /readyz`);
    server.kill('SIGTERM');
    const [code, signal] = await exited;
    if (code !== 0) throw new Error(`the packed server ended with ${code ?? signal} when it was asked to stop`);
  } finally {
    clearTimeout(limit);
    server.kill('SIGKILL');
  }
}

function announcedUrl(server: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let output = '';
    const read = (chunk: unknown) => {
      output += chunk;
      const url = /Address +(http:\S+)/.exec(output)?.[1];
      if (url !== undefined) found(url);
    };
    server.stdout?.on('data', read);
    server.stderr?.on('data', read);
    server.on('exit', () => failed(new Error(`the packed server did not start:\n${output}`)));
  });
}

const { app, names } = unpackAll();
for (const name of names) importEntries(app, name);
await startServer(app);
