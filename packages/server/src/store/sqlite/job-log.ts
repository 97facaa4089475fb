import type { DatabaseSync } from 'node:sqlite';
import { isUnfinished, type Job, type JobTask, MOST_UNFINISHED_JOBS } from '../../domain/job.ts';
import { newId } from '../../ids.ts';
import type { Candidate, Candidates } from '../candidates.ts';
import { estimate } from '../estimate.ts';
import { countOf, nextWithoutRoom, PASS_ENDED, taskInLane } from '../job-steps.ts';
import { type JobRow, jobFromRow } from '../rows/job-row.ts';
import type { JobLog, JobStep, JobStepResult, NewJob } from '../store.ts';
import type { Vault } from '../vault.ts';
import { backfillCandidates } from './backfill-candidates.ts';
import type { CommitGroup } from './commit-group.ts';
import { allRows, oneRow } from './database.ts';
import type { DeliveryRows } from './delivery-rows.ts';
import type { JobLane, JobRows } from './job-rows.ts';
import type { Recover } from './recover.ts';
import { retryCandidates } from './retry-candidates.ts';
import type { RowNumbers } from './row-numbers.ts';
import { latestWebhook } from './webhook-rows.ts';

export type JobLogReads = Pick<JobLog, 'getJob' | 'listJobs' | 'estimateJob'>;
export type JobLogWrites = Omit<JobLog, keyof JobLogReads>;

export function jobLogReads(database: DatabaseSync, vault: Vault): JobLogReads {
  const byId = database.prepare('SELECT * FROM jobs WHERE workspace_id = ? AND id = ?');
  const list = database.prepare('SELECT * FROM jobs WHERE workspace_id = ? AND id < ? ORDER BY id DESC LIMIT ?');
  return {
    async getJob(workspaceId, jobId) {
      const row = oneRow<JobRow>(byId, workspaceId, jobId);
      return row && jobFromRow(row);
    },
    async listJobs({ workspaceId, before = '~', limit }) {
      return allRows<JobRow>(list, workspaceId, before, limit).map(jobFromRow);
    },
    async estimateJob(workspaceId, task) {
      const bounds = { workspaceId, until: Number.POSITIVE_INFINITY, lastEvent: Number.MAX_SAFE_INTEGER - 1 };
      return await estimate(candidatesOf(database, vault, task, bounds));
    },
  };
}

export function jobLogWrites(options: {
  database: DatabaseSync;
  vault: Vault;
  group: CommitGroup;
  rows: DeliveryRows;
  jobs: JobRows;
  recover: Recover;
  numbers: RowNumbers;
}): JobLogWrites {
  const { database, vault, group, rows, jobs, recover, numbers } = options;

  const createJob = (job: NewJob): Job | null => {
    const { workspaceId, task } = job;
    if (jobs.countUnfinished(workspaceId) >= MOST_UNFINISHED_JOBS) return null;
    jobs.insert(job);
    if (task.kind === 'retry') jobs.addLanes(job, task.filter.state, task.filter.webhookId, '');
    else jobs.addLane(job, numbers.ofLane({ workspaceId, webhookId: task.webhookId }), BEFORE_ALL_EVENTS);
    const row = jobs.find(workspaceId, job.id);
    return row && jobFromRow(row);
  };

  const advanceJob = ({ workspaceId, jobId, after, window, limit }: JobStep): JobStepResult => {
    const row = jobs.find(workspaceId, jobId);
    if (row === null || !isUnfinished(row.state)) return PASS_ENDED;
    const key = { workspaceId, id: jobId };
    const at = jobs.nextLane(key, after);
    if (at === null) {
      if (after === 0) jobs.finish(key, 'done');
      return PASS_ENDED;
    }
    const task = taskInLane(jobFromRow(row).task, at.lane);
    const bounds = { workspaceId, until: row.created_at, lastEvent: row.last_event };
    const candidates = candidatesOf(database, vault, task, bounds);
    const page = candidates?.oldestFirst(later(at.position, candidates), limit) ?? [];
    const room = window - rows.countWaitingRecovered(at.lane, window);
    const stop = nextWithoutRoom(page, room);
    const taken = page.slice(0, stop);
    for (const candidate of taken) if (candidate.verdict === 'owed') owe(task, at, candidate);
    const requeued = countOf(taken, 'owed');
    const skipped = countOf(taken, 'skipped');
    // A lane that is full for hours is asked every half second: that writes nothing.
    if (row.state === 'pending' || requeued + skipped > 0) jobs.count(key, { requeued, skipped });
    const last = taken.at(-1);
    if (taken.length === page.length && page.length < limit) jobs.leave(key, at.number);
    else if (last !== undefined) jobs.moveTo(key, at.number, last.position);
    if (jobs.nextLane(key, 0) === null) jobs.finish(key, 'done');
    const next = jobs.nextLane(key, at.number) === null ? null : at.number;
    return { next, requeued, isFull: stop < page.length };
  };

  const owe = ({ kind }: JobTask, { lane }: JobLane, { seq, route, run, payload }: Candidate) => {
    if (kind === 'retry') recover.putBack(lane, seq);
    else recover.oweAnew(lane, { id: newId('del'), event: seq, origin: 'backfill', route, run, payload });
  };

  return {
    createJob: (job) => group.run(() => createJob(job)),
    cancelJob: (workspaceId, id) => group.run(() => jobs.finish({ workspaceId, id }, 'cancelled')),
    async unfinishedJobs() {
      return jobs.unfinished();
    },
    advanceJob: (step) => group.run(() => advanceJob(step)),
  };
}

const BEFORE_ALL_EVENTS = 0;

/** What a task looks through; null: there is no such webhook any more. */
function candidatesOf(
  database: DatabaseSync,
  vault: Vault,
  task: JobTask,
  { workspaceId, until, lastEvent }: { workspaceId: string; until: number; lastEvent: number },
): Candidates | null {
  if (task.kind === 'retry') return retryCandidates(database, { workspaceId, filter: task.filter, until });
  const webhook = latestWebhook(database, vault, { workspaceId, webhookId: task.webhookId });
  if (webhook === null || webhook.deletedAt !== null) return null;
  return backfillCandidates(database, { webhook, since: task.since, lastEvent });
}

/** A backfill begins at its first event, however many there are before it. */
function later(position: JobLane['position'], { start }: Candidates): JobLane['position'] {
  return position === BEFORE_ALL_EVENTS ? start : position;
}
