import type { Clock } from '../clock.ts';
import type { Job } from '../domain/job.ts';
import { RELEASE_EVERY_MS, recoveryWindow } from '../domain/recovery-ramp.ts';
import { pauseAfterStep } from '../domain/step-pause.ts';
import type { JobLog } from '../store/store.ts';
import { BackgroundLoop } from './background-loop.ts';

/** Rows that a step looks at. */
const ROWS_PER_STEP = 1_000;
/** Who asks for a job wakes the runner: this is for those that an outcome made, or another process, and for what is lost. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Runs all unfinished jobs, in passes: each takes one step of each lane of each job. Between two passes that put something
 * back, or found a lane full, lies the rest of the ramp. Memory holds only where in a pass it is, and since when a job runs;
 * the rest is in the store.
 */
export class JobRunner {
  readonly #jobs: Pick<JobLog, 'unfinishedJobs' | 'advanceJob'>;
  readonly #clock: Clock;
  readonly #lookAgainMs: number;
  readonly #loop: BackgroundLoop;
  /** What is left of the present pass. */
  #pass: JobKey[] = [];
  /** The lane of the first of them that had the latest step. */
  #after = 0;
  /** The present pass put something back, or found a lane full. */
  #needsRest = false;
  /** On the monotonic clock, by the job's id. */
  #begunAt = new Map<string, number>();

  constructor(options: {
    jobs: Pick<JobLog, 'unfinishedJobs' | 'advanceJob'>;
    clock: Clock;
    onError: (error: unknown) => void;
    /** How long a job that nobody woke the runner for may wait. Default one minute. */
    lookAgainMs?: number;
  }) {
    const { jobs, clock, onError, lookAgainMs = LOOK_AGAIN_MS } = options;
    this.#lookAgainMs = lookAgainMs;
    this.#jobs = jobs;
    this.#clock = clock;
    this.#loop = new BackgroundLoop({ clock, step: () => this.#step(), onError });
  }

  start(): void {
    this.#loop.start(0);
  }

  /** A job was made. */
  wake(): void {
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #step(): Promise<number> {
    if (this.#pass.length === 0) await this.#beginPass();
    const [job] = this.#pass;
    if (job === undefined) return this.#lookAgainMs;
    const from = this.#clock.monotonic();
    const { next, requeued, isFull } = await this.#jobs.advanceJob({
      workspaceId: job.workspaceId,
      jobId: job.id,
      after: this.#after,
      window: recoveryWindow(from - this.#begin(job, from)),
      limit: ROWS_PER_STEP,
    });
    if (requeued > 0 || isFull) this.#needsRest = true;
    this.#after = next ?? 0;
    if (next === null) this.#pass.shift();
    const pauseMs = pauseAfterStep(this.#clock.monotonic() - from);
    return this.#pass.length === 0 && this.#needsRest ? Math.max(pauseMs, RELEASE_EVERY_MS) : pauseMs;
  }

  async #beginPass(): Promise<void> {
    this.#pass = await this.#jobs.unfinishedJobs();
    this.#after = 0;
    this.#needsRest = false;
    const known = this.#begunAt;
    this.#begunAt = new Map();
    for (const { id } of this.#pass) {
      const at = known.get(id);
      if (at !== undefined) this.#begunAt.set(id, at);
    }
  }

  /** When the job's first step was taken. */
  #begin({ id }: JobKey, now: number): number {
    const at = this.#begunAt.get(id) ?? now;
    this.#begunAt.set(id, at);
    return at;
  }
}

type JobKey = Pick<Job, 'workspaceId' | 'id'>;
