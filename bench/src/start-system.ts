import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { type ProcessGroup, waitForReady } from './processes.ts';
import { callSystem, type System } from './system.ts';

const RELAY = fileURLToPath(new URL('./relay.ts', import.meta.url));

/** @param receiverUrl where the relay forwards to, over at most `connections` connections */
export async function startRelay(
  group: ProcessGroup,
  { receiverUrl, connections }: { receiverUrl: string; connections: number },
): Promise<System> {
  const port = await freePort();
  const args = [RELAY, String(port), receiverUrl, String(connections)];
  const running = await group.start({ name: 'the relay', file: process.execPath, args });
  const origin = `http://127.0.0.1:${port}`;
  await waitForReady(running, `${origin}/readyz`);
  return { name: 'relay', origin, apiKey: 'none', process: running };
}

export interface ServerOptions {
  /** Absolute path of the entry file. */
  entry: string;
  /** Holds the database. A server that is started on it again finds what the last one left, with the same key. */
  directory: string;
  apiKey: string;
  /** `api` takes events in and delivers nothing. Default: the server's own, which is both. */
  role?: 'api';
}

export function newApiKey(): string {
  return `broxi_${randomBytes(32).toString('base64url')}`;
}

/** Starts the server on a free port. Throws a `BenchError` with its last words when it ends instead. */
export async function startServer(group: ProcessGroup, options: ServerOptions): Promise<System> {
  await mkdir(options.directory, { recursive: true });
  const port = await freePort();
  const args = ['--conditions=source', options.entry, 'serve', '--port', String(port)];
  args.push('--database-url', `sqlite:${join(options.directory, 'broxi.db')}`);
  args.push('--allow-http', '--allow-networks', '127.0.0.0/8');
  if (options.role !== undefined) args.push('--role', options.role);
  const running = await group.start({
    name: 'the server',
    file: process.execPath,
    args,
    env: { ...withoutServerSettings(process.env), BROXI_API_KEY: options.apiKey },
    cwd: options.directory,
  });
  const origin = `http://127.0.0.1:${port}`;
  await waitForReady(running, `${origin}/readyz`, 120_000);
  return { name: 'server', origin, apiKey: options.apiKey, process: running };
}

/** Makes a webhook that takes every event of the benchmark. @param more fields beside `url` and `events` */
export async function createWebhook(system: System, url: string, more: Record<string, unknown>): Promise<void> {
  const body = JSON.stringify({ url, events: ['workflow.completed'], ...more });
  await callSystem(system, '/v1/webhooks', { method: 'POST', body });
}

/** What the person who runs the benchmark has set for their own server must not change the one that is measured. */
function withoutServerSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('BROXI_')));
}
