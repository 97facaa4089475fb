import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from './bench-error.ts';

/** How long a process may take to end after SIGTERM before it is killed. */
const STOP_MS = 15_000;
/** What is kept of the output of a process that runs on; enough for the message with which it ends. */
const TAIL_CHARACTERS = 16_384;

export interface Command {
  /** How messages call it. */
  name: string;
  file: string;
  args: readonly string[];
  /** Default: the environment of the benchmark. */
  env?: NodeJS.ProcessEnv;
  /** Default: the working directory of the benchmark. */
  cwd?: string;
}

/** A process that was started here. It runs until `stop`, which may be called again and after the end. */
export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  hasEnded(): boolean;
  /** The last of what it wrote to stdout and stderr. */
  output(): string;
  stop(): Promise<void>;
}

/**
 * The processes of one benchmark, so that none outlives it. Each is ended through its own handle, by pid.
 * running --stop (SIGTERM, after 15 s SIGKILL)--> ended
 */
export class ProcessGroup {
  readonly #running = new Set<RunningProcess>();
  #closed = false;

  /** Throws a `BenchError` when the file cannot be run. */
  async start(command: Command): Promise<RunningProcess> {
    const child = spawnCommand(command);
    let tail = '';
    const keep = (chunk: string) => {
      tail = (tail + chunk).slice(-TAIL_CHARACTERS);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    const pid = await spawned(child, command);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const running: RunningProcess = {
      name: command.name,
      pid,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      output: () => tail.trim(),
      stop: async () => {
        await stopChild(child, ended);
        this.#running.delete(running);
      },
    };
    await this.adopt(running);
    return running;
  }

  /** Runs a command to its end and answers its stdout. Throws a `BenchError` when it fails or takes longer than `timeoutMs`. */
  async run(command: Command, timeoutMs: number): Promise<string> {
    const child = spawnCommand(command);
    const stdout: string[] = [];
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => stdout.push(chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-TAIL_CHARACTERS);
    });
    const pid = await spawned(child, command);
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const stop = async () => {
      await stopChild(child, closed);
      this.#running.delete(running);
    };
    const running = { name: command.name, pid, hasEnded: () => child.exitCode !== null, output: () => stderr, stop };
    await this.adopt(running);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      void stop();
    }, timeoutMs);
    await closed;
    clearTimeout(timer);
    this.#running.delete(running);
    if (timedOut) throw new BenchError(`${command.name} did not end within ${timeoutMs / 1000} s.`);
    if (child.exitCode !== 0) {
      throw new BenchError(`${command.name} failed (${child.exitCode ?? child.signalCode}): ${stderr.trim()}`);
    }
    return stdout.join('');
  }

  /** Ends everything that was started, the latest first. */
  async stopAll(): Promise<void> {
    for (const running of [...this.#running].reverse()) {
      await running.stop();
      this.#running.delete(running);
    }
  }

  /** Ends everything, and what is started from now on is ended at once. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.stopAll();
  }

  /** Takes over a process that was started elsewhere: it is ended with the others. */
  async adopt(running: RunningProcess): Promise<void> {
    this.#running.add(running);
    if (!this.#closed) return;
    await running.stop();
    throw new BenchError('The benchmark is ending.');
  }
}

/** Waits until `url` answers 200. Throws a `BenchError` with the output of the process when it ends or stays silent. */
export async function waitForReady(running: RunningProcess, url: string, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await answersOk(url))) {
    if (running.hasEnded()) throw new BenchError(`${running.name} ended while starting:\n${running.output()}`);
    if (performance.now() > deadline) {
      throw new BenchError(
        `${running.name} did not answer 200 on ${url} in ${timeoutMs / 1000} s:\n${running.output()}`,
      );
    }
    await sleep(25);
  }
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

function spawnCommand({ file, args, env = process.env, cwd }: Command): ChildProcess {
  return spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) });
}

function spawned(child: ChildProcess, { name, file }: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new BenchError(`${name} could not be started from ${file}.`, { cause })));
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}

async function stopChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}
