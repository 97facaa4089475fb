import type { RetryFilter } from './retry-filter.ts';

/**
 * A job: recovery in bulk. It goes through what it is about in small steps, oldest first, webhook by webhook. How far it
 * came is kept with what it did, so that a crash between two steps neither loses nor repeats anything.
 *
 * ```
 *   pending ──first step──▶ running ──nothing left──▶ done
 *      │                       │
 *      └───────────────────────┴──────by request────▶ cancelled      what it put back until then stays owed
 * ```
 */
export type JobState = 'pending' | 'running' | 'done' | 'cancelled';

/** What a job is to do. */
export type JobTask =
  /** Tries again what had failed, or was cancelled, when the job was made: under the same id, with a fresh schedule. */
  | { kind: 'retry'; filter: RetryFilter }
  /** Owes a webhook the events that it wants, that were accepted since an instant, and that it has no delivery of. */
  | { kind: 'backfill'; webhookId: string; since: number };

export interface Job {
  workspaceId: string;
  /** `job_…` */
  id: string;
  task: JobTask;
  state: JobState;
  /** What there was to do when it was made. */
  estimate: JobEstimate;
  /** What it met so far that its task is about: {@link Job.requeued} and {@link Job.skipped} together. */
  matched: number;
  /** Deliveries that it owes (again). */
  requeued: number;
  /** What it left alone: the webhook was deleted, or has a delivery of that event. */
  skipped: number;
  createdAt: number;
  /** When it was done or cancelled; null before. */
  finishedAt: number | null;
}

/** What a task would put back, at a bounded cost. */
export interface JobEstimate {
  count: number;
  /** There was more to look at than may be looked at: the count is a lower bound. */
  isMinimum: boolean;
  /** When the oldest was owed or, for a backfill, its event accepted; null: there is none. */
  oldestAt: number | null;
  /** Of the newest; null: there is none, or it was not found at that cost. */
  newestAt: number | null;
}

export function isUnfinished(state: JobState): state is 'pending' | 'running' {
  return state === 'pending' || state === 'running';
}

/** The share of its work that a job has done, 0 to 1; null: nobody counted how much there is. 1 only when it is done. */
export function progressOf({ state, estimate, matched }: Pick<Job, 'state' | 'estimate' | 'matched'>): number | null {
  if (state === 'done') return 1;
  if (estimate.isMinimum) return null;
  // What was counted may have been put back by others, or be joined by what others cancelled.
  return Math.min(0.99, Math.floor((100 * matched) / Math.max(1, estimate.count)) / 100);
}

/** A workspace may have so many unfinished jobs at a time: each of them costs a step now and then. */
export const MOST_UNFINISHED_JOBS = 10;
