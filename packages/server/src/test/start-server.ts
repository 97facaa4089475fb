import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

/** The key of a server that {@link startServer} started. */
export const TEST_API_KEY = 'test-key-0123456789-0123456789';

/** A real server process on 127.0.0.1. */
export interface ServerProcess {
  url: string;
  pid: number;
  /** Calls the API. @returns status and parsed body */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** @returns the exit code */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code when the process has ended; null: a signal ended it. */
  ended: Promise<number | null>;
  /** What it wrote to stdout and stderr so far. */
  output(): string;
}

/**
 * Starts the server as its users do, on a data folder that stays.
 * @param folder where the database lies, unless the flags say otherwise: of a flag that comes twice, the last one counts
 * @param env variables beside the path and the key
 */
export async function startServer(
  folder: string,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const parameters = [
    '--conditions=source',
    MAIN,
    'serve',
    '--port',
    '0',
    '--database-url',
    `sqlite:${folder}/broxi.db`,
  ];
  const child = spawn(process.execPath, [...parameters, '--allow-http', '--allow-networks', '127.0.0.0/8', ...flags], {
    env: { PATH: process.env.PATH, BROXI_API_KEY: TEST_API_KEY, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output);
      if (found !== null) resolve(found[0]);
    });
    exited.then(([code]) => reject(new Error(`the server ended with ${code}:\n${output}`)), reject);
  });
  return {
    url,
    pid: child.pid ?? 0,
    async call(method, path, body) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${TEST_API_KEY}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
    },
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    signal: (name) => void child.kill(name),
    ended: exited.then(([code]) => code),
    output: () => output,
  };
}
