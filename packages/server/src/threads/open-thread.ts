import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorCode } from '../errors.ts';

/** What a thread posts first: that it is ready, or why it cannot start. */
export type StartReport = { ready: true } | { ready: false; code: ErrorCode | null; message: string };

/** Starts a thread and waits until it is ready. @throws what the thread could not start for */
export async function openThread(entry: URL, workerData: unknown): Promise<Worker> {
  const thread = new Worker(entry, { workerData });
  const [report] = (await once(thread, 'message')) as [StartReport];
  if (report.ready) return thread;
  await thread.terminate();
  throw report.code === null ? new Error(report.message) : new AppError(report.code, report.message);
}

/** For the entry of a thread: runs `start`, and reports how it went. */
export async function reportStart(post: (report: StartReport) => void, start: () => Promise<void>): Promise<void> {
  try {
    await start();
    post({ ready: true });
  } catch (error) {
    const code = error instanceof AppError ? error.code : null;
    post({ ready: false, code, message: error instanceof Error ? error.message : String(error) });
  }
}
