import { type Clock, systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { EXIT_FAILURE } from './exit-codes.ts';
import { startBanner } from './start-banner.ts';

/*
 * starting → running → stopping → ended
 * The first SIGINT or SIGTERM asks for a stop (while starting: as soon as it runs, or does nothing but wait). A second one ends the process at once,
 * and so does a stop that takes longer than it may. What was in the air is found again at the next start.
 */

/** How long a stop may take. */
const STOP_LIMIT_MS = 10_000;

/** What a shell expects of a process that a signal ended: 128 and the signal's number. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

/** What the commands need of a server. */
export interface RunningServer {
  url: string;
  /** Null where it must not be shown. */
  apiKey: string | null;
  dataPlace: string;
  firstStart: boolean;
  stop(): Promise<void>;
}

/** The part of a process that a server runs in. */
export interface HostProcess {
  stdout: NodeJS.WritableStream;
  stderr: { write(text: string): unknown };
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
  off(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
  exit(code: number): void;
}

export interface RunServerOptions {
  config: Config;
  /** @param ended a stop was asked for: what cannot start now is not waited for */
  createServer(config: Config, ended: AbortSignal): Promise<RunningServer>;
  /** Default: this process. */
  host?: HostProcess;
  clock?: Clock;
}

/** Starts a server, says where it is, and stops it on a signal. Resolves when it runs. @throws what stopped the start */
export async function runServer({ config, createServer, host = process, clock = systemClock }: RunServerOptions) {
  let server: RunningServer | undefined;
  let stopping = false;
  const waiting = new AbortController();
  const stop = async (running: RunningServer) => {
    clock.after(STOP_LIMIT_MS, () => {
      host.stderr.write(
        'broxi-webhooks: not stopped within 10 seconds, ending now. What is left goes on at the next start.\n',
      );
      host.exit(EXIT_FAILURE);
    });
    try {
      await running.stop();
      host.exit(0);
    } catch (error) {
      host.stderr.write(`broxi-webhooks: the stop failed: ${error instanceof Error ? error.message : error}\n`);
      host.exit(EXIT_FAILURE);
    }
  };
  const onSignal = (signal: StopSignal) => {
    if (stopping) return host.exit(SIGNAL_EXIT_CODES[signal]);
    stopping = true;
    host.stderr.write('\nStopping: what is being sent may finish. The same again ends at once.\n');
    if (server) void stop(server);
    else waiting.abort();
  };
  host.on('SIGINT', onSignal);
  host.on('SIGTERM', onSignal);
  try {
    server = await createServer(config, waiting.signal);
  } catch (error) {
    host.off('SIGINT', onSignal);
    host.off('SIGTERM', onSignal);
    if (error !== waiting.signal.reason) throw error;
    host.exit(0);
    return;
  }
  if (stopping) return stop(server);
  host.stdout.write(startBanner({ config, server, stream: host.stdout }));
}
