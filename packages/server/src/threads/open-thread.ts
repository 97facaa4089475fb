import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import { AppError, type ErrorCode } from '../errors.ts';
import { settleDown } from './settle-down.ts';
import { YOUNG_GENERATION_MB } from './v8-flags.ts';

/** What a thread posts first: that it is ready, or why it cannot start. */
type StartReport = { ready: true } | { ready: false; code: ErrorCode | null; message: string };

/** A thread that loads its code, and does nothing before it is started. */
export interface LaunchedThread {
  /** Starts it with this data, and waits until it is ready. @throws what the thread could not start for */
  start(data: unknown): Promise<Worker>;
  /** Ends it, started or not. */
  terminate(): Promise<unknown>;
}

/** Apart from the code that it loads: what a file imports is compiled before its own first line could turn the cache on. */
const LOADER = `
  require('node:module').enableCompileCache();
  import(require('node:worker_threads').workerData);`;

/** Launches a thread: threads load side by side, and are started when what they need is there. */
export function launchThread(entry: URL): LaunchedThread {
  const thread = new Worker(LOADER, {
    eval: true,
    workerData: entry.href,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  return {
    async start(data) {
      thread.postMessage(data);
      const [report] = (await once(thread, 'message')) as [StartReport];
      if (report.ready) return thread;
      await thread.terminate();
      throw report.code === null ? new Error(report.message) : new AppError(report.code, report.message);
    },
    terminate: () => thread.terminate(),
  };
}

/** For the entry of a thread: runs `start` once the data is there, and reports how it went. */
export async function startThread<Data>(
  port: MessagePort | null,
  start: (data: Data, port: MessagePort) => Promise<void>,
) {
  if (port === null) throw new Error('this file is the entry of a thread');
  const [data] = (await once(port, 'message')) as [Data];
  let report: StartReport = { ready: true };
  try {
    await start(data, port);
  } catch (error) {
    const code = error instanceof AppError ? error.code : null;
    report = { ready: false, code, message: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(report);
  settleDown();
}
