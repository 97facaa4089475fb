import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { type ProcessGroup, waitForReady } from './processes.ts';
import { SAMPLE_TYPE } from './sample-event.ts';
import { callSystem, type System } from './system.ts';

/** The same for all servers. Nothing here is a secret. */
const ENCRYPTION_KEY = Buffer.alloc(32).toString('base64');
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
  /** Default `server`. */
  name?: Exclude<System['name'], 'relay'>;
  /** Absolute path of the entry file. */
  entry: string;
  /** Holds the database. A server that is started on it again finds what the last one left, with the same key. */
  directory: string;
  /** Of a PostgreSQL database, which several servers may share. Default: a SQLite file in the directory. */
  databaseUrl?: string;
  apiKey: string;
}

export function newApiKey(): string {
  return `broxi_${randomBytes(32).toString('base64url')}`;
}

/** Starts the server on a free port. Throws a `BenchError` with its last words when it ends instead. */
export async function startServer(group: ProcessGroup, options: ServerOptions): Promise<System> {
  await mkdir(options.directory, { recursive: true });
  const port = await freePort();
  const args = ['--conditions=source', options.entry, 'serve', '--port', String(port)];
  args.push('--database-url', options.databaseUrl ?? `sqlite:${join(options.directory, 'broxi.db')}`);
  args.push('--allow-http', '--allow-networks', '127.0.0.0/8');
  const running = await group.start({
    name: options.name === 'other' ? 'the other server' : 'the server',
    file: process.execPath,
    args,
    env: {
      ...withoutServerSettings(process.env),
      BROXI_API_KEY: options.apiKey,
      ...(options.databaseUrl === undefined ? {} : { BROXI_ENCRYPTION_KEY: ENCRYPTION_KEY }),
    },
    cwd: options.directory,
  });
  const origin = `http://127.0.0.1:${port}`;
  await waitForReady(running, `${origin}/readyz`, 120_000);
  return { name: options.name ?? 'server', origin, apiKey: options.apiKey, process: running };
}

/**
 * Makes a webhook that takes every event of the sample's own type, and answers its id.
 * @param more fields beside `url` and `events`, or other `events`
 */
export async function createWebhook(system: System, url: string, more: Record<string, unknown>): Promise<string> {
  const body = JSON.stringify({ url, events: [SAMPLE_TYPE], ...more });
  const answer = await callSystem(system, '/v1/webhooks', { method: 'POST', body });
  return (JSON.parse(answer) as { id: string }).id;
}

/**
 * Makes a webhook with a type of its own, of which it alone takes events, and answers its id. That an event is for one of many
 * costs nothing this way: who subscribes to a type is looked up, while filters are tried one after the other.
 */
export async function createTarget(
  system: System,
  type: string,
  { url, ...more }: { url: string } & Record<string, unknown>,
): Promise<string> {
  const schema = { type: 'object', required: ['workflow_id', 'run_id', 'output'] };
  await callSystem(system, '/v1/event-types', { method: 'POST', body: JSON.stringify({ name: type, schema }) });
  return createWebhook(system, url, { events: [type], ...more });
}

/** Names of so many types for {@link createTarget}, all of the same length. */
export function targetTypes(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `bench.target_${String(n).padStart(4, '0')}`);
}

/** What the person who runs the benchmark has set for their own server must not change the one that is measured. */
function withoutServerSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('BROXI_')));
}
