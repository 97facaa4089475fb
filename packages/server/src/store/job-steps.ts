import type { JobTask } from '../domain/job.ts';
import type { Lane } from '../domain/webhook.ts';
import type { Candidate } from './candidates.ts';
import type { JobStepResult } from './store.ts';

export const PASS_ENDED: JobStepResult = { next: null, requeued: 0, isFull: false };

/** What a job does in one lane. */
export function taskInLane(task: JobTask, { webhookId }: Lane): JobTask {
  return task.kind === 'retry' ? { kind: 'retry', filter: { ...task.filter, webhookId } } : task;
}

/** The position of the first candidate that there is no room for; the length of the page: there is room for all. */
export function nextWithoutRoom(page: readonly Candidate[], room: number): number {
  let left = room;
  const found = page.findIndex(({ verdict }) => verdict === 'owed' && left-- <= 0);
  return found < 0 ? page.length : found;
}

export function countOf(candidates: readonly Candidate[], verdict: Candidate['verdict']): number {
  return candidates.filter((candidate) => candidate.verdict === verdict).length;
}
