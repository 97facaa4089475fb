import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../wait-until.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** `broxi-webhooks copy` in a process of its own. */
export interface CopyProcess {
  /** @throws if it does not say this in time */
  saying(text: string, withinMs: number): Promise<void>;
  kill(): Promise<void>;
  isOver(): boolean;
  /** Its exit code. */
  ended: Promise<number | null>;
  output(): string;
}

/** @param folder of the server whose database is copied, with its key */
export function startCopy(folder: string, to: string): CopyProcess {
  const flags = ['copy', '--from', `sqlite:${folder}/broxi.db`, '--to', to];
  const child = spawn(process.execPath, ['--conditions=source', MAIN, ...flags], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  return {
    isOver,
    async saying(text, withinMs) {
      const hasSaid = () => output.includes(text);
      await waitUntil(`the copy says: ${text}`, () => hasSaid() || isOver(), withinMs);
      if (!hasSaid()) throw new Error(`the copy has ended without saying ${text}:\n${output}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    ended: exited.then(([code]) => code),
    output: () => output,
  };
}
