import type { Clock } from '../../clock.ts';
import { isUnfinished, type Job, type JobTask, MOST_UNFINISHED_JOBS } from '../../domain/job.ts';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { Candidate, Candidates } from '../candidates.ts';
import { estimate } from '../estimate.ts';
import { countOf, nextWithoutRoom, PASS_ENDED, taskInLane } from '../job-steps.ts';
import { type JobRow, jobFromRow } from '../rows/job-row.ts';
import type { JobLog, JobStep, JobStepResult, NewJob } from '../store.ts';
import type { Vault } from '../vault.ts';
import { bigintArray } from './array-parameter.ts';
import { backfillCandidates } from './backfill-candidates.ts';
import type { CommitGroup } from './commit-group.ts';
import { firstOf, type Query, type Reads } from './database.ts';
import { type JobLane, JobRows } from './job-rows.ts';
import type { Recover } from './recover.ts';
import { retryCandidates } from './retry-candidates.ts';
import type { Transaction } from './transaction.ts';
import { latestWebhook } from './webhook-rows.ts';

export type JobLogReads = Pick<JobLog, 'getJob' | 'listJobs' | 'estimateJob'>;
export type JobLogWrites = Omit<JobLog, keyof JobLogReads>;

export function jobLogReads(reads: Reads, vault: Vault): JobLogReads {
  return {
    async getJob(workspaceId, jobId) {
      const text = 'SELECT * FROM broxi.jobs WHERE workspace_id = $1 AND id = $2';
      const row = firstOf(await reads.query<JobRow>(text, [workspaceId, jobId]));
      return row && jobFromRow(row);
    },
    async listJobs({ workspaceId, before = '~', limit }) {
      const text = 'SELECT * FROM broxi.jobs WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3';
      return (await reads.query<JobRow>(text, [workspaceId, before, limit])).map(jobFromRow);
    },
    async estimateJob(workspaceId, task) {
      const bounds = { workspaceId, until: Number.POSITIVE_INFINITY, lastEvent: Number.MAX_SAFE_INTEGER - 1 };
      return await estimate(await candidatesOf(reads.query, vault, task, bounds));
    },
  };
}

export function jobLogWrites(options: {
  clock: Clock;
  vault: Vault;
  reads: Reads;
  group: CommitGroup;
  recover: Recover;
  owns: (lane: Lane) => boolean;
}): JobLogWrites {
  const { clock, vault, reads, group, recover, owns } = options;

  const createJob = async (tx: Transaction, job: NewJob): Promise<Job | null> => {
    const { workspaceId, task } = job;
    const jobs = new JobRows(tx.query, clock);
    if ((await jobs.countUnfinished(workspaceId)) >= MOST_UNFINISHED_JOBS) return null;
    await jobs.insert(job);
    if (task.kind === 'retry') {
      const { state, webhookId } = task.filter;
      await jobs.addLanes(job, { state, webhookId, start: '' });
    } else await jobs.addLane(job, task.webhookId, BEFORE_ALL_EVENTS);
    const row = await jobs.find(workspaceId, job.id);
    return row && jobFromRow(row);
  };

  const advanceJob = async (
    tx: Transaction,
    { workspaceId, jobId, after, window, limit }: JobStep,
  ): Promise<JobStepResult> => {
    const jobs = new JobRows(tx.query, clock);
    const row = await jobs.find(workspaceId, jobId);
    if (row === null || !isUnfinished(row.state)) return PASS_ENDED;
    const key = { workspaceId, id: jobId };
    const at = await jobs.nextLane(key, after, owns);
    if (at === null) {
      // The rest is for the owners of its lanes.
      if (after === 0 && (await jobs.nextLane(key, 0)) === null) await jobs.finish(key, 'done');
      return PASS_ENDED;
    }
    const task = taskInLane(jobFromRow(row).task, at.lane);
    const bounds = { workspaceId, until: row.created_at, lastEvent: row.last_event };
    const candidates = await candidatesOf(tx.query, vault, task, bounds);
    const page = (await candidates?.oldestFirst(later(at.position, candidates), limit)) ?? [];
    const stop = nextWithoutRoom(page, window - (await countWaitingRecovered(tx.query, at, window)));
    const taken = page.slice(0, stop);
    const requeued = countOf(taken, 'owed');
    const skipped = countOf(taken, 'skipped');
    await owe(
      tx,
      task,
      at,
      taken.filter(({ verdict }) => verdict === 'owed'),
    );
    // A lane that is full for hours is asked every half second: that writes nothing.
    if (row.state === 'pending' || requeued + skipped > 0) await jobs.count(key, { requeued, skipped });
    const last = taken.at(-1);
    if (taken.length === page.length && page.length < limit) await jobs.leave(key, at.number);
    else if (last !== undefined) await jobs.moveTo(key, at.number, last.position);
    if ((await jobs.nextLane(key, 0)) === null) await jobs.finish(key, 'done');
    const next = (await jobs.nextLane(key, at.number, owns)) === null ? null : at.number;
    return { next, requeued, isFull: stop < page.length };
  };

  const owe = async (tx: Transaction, { kind }: JobTask, { lane }: JobLane, owed: readonly Candidate[]) => {
    if (owed.length === 0) return;
    if (kind === 'retry') {
      await recover.putBack(
        tx,
        lane,
        owed.map(({ position }) => String(position)),
      );
      return;
    }
    const ids = await eventIds(
      tx.query,
      lane.workspaceId,
      owed.map(({ seq }) => seq),
    );
    const origin = 'backfill' as const;
    await recover.oweAnew(
      tx,
      lane,
      owed.flatMap(({ seq, route, run, payload }) => {
        const eventId = ids.get(seq);
        return eventId === undefined ? [] : [{ id: newId('del'), eventId, origin, route, run, payload }];
      }),
    );
  };

  return {
    createJob: (job) => group.work((tx) => createJob(tx, job)),
    cancelJob: (workspaceId, id) =>
      group.work((tx) => new JobRows(tx.query, clock).finish({ workspaceId, id }, 'cancelled')),
    unfinishedJobs: () =>
      reads.query<Pick<Job, 'workspaceId' | 'id'>>(
        'SELECT workspace_id AS "workspaceId", id FROM broxi.jobs WHERE finished_at IS NULL ORDER BY created_at, id',
      ),
    advanceJob: (step) => group.work((tx) => advanceJob(tx, step)),
  };
}

const BEFORE_ALL_EVENTS = '';

/** What a task looks through; null: there is no such webhook any more. */
async function candidatesOf(
  query: Query,
  vault: Vault,
  task: JobTask,
  { workspaceId, until, lastEvent }: { workspaceId: string; until: number; lastEvent: number },
): Promise<Candidates<Promise<Candidate[]>> | null> {
  if (task.kind === 'retry') return retryCandidates(query, { workspaceId, filter: task.filter, until });
  const webhook = await latestWebhook(query, vault, { workspaceId, webhookId: task.webhookId });
  if (webhook === null || webhook.deletedAt !== null) return null;
  return backfillCandidates(query, { webhook, since: task.since, lastEvent });
}

/** A backfill begins at its first event, however many there are before it. */
function later(position: JobLane['position'], { start }: Pick<Candidates, 'start'>): JobLane['position'] {
  return position === BEFORE_ALL_EVENTS ? start : position;
}

/** What waits in a lane of what was recovered; counts no further than `most`. */
async function countWaitingRecovered(query: Query, { lane }: JobLane, most: number): Promise<number> {
  const rows = await query<{ count: number }>(
    `SELECT count(*) AS count FROM (
      SELECT 1 FROM broxi.queue WHERE workspace_id = $1 AND webhook_id = $2 AND class = 2 LIMIT $3) waiting`,
    [lane.workspaceId, lane.webhookId, most],
  );
  return firstOf(rows)?.count ?? 0;
}

async function eventIds(query: Query, workspaceId: string, seqs: readonly number[]): Promise<Map<number, string>> {
  const rows = await query<{ seq: number; id: string }>(
    'SELECT seq, id FROM broxi.events WHERE workspace_id = $1 AND seq = ANY ($2::bigint[])',
    [workspaceId, bigintArray(seqs)],
  );
  return new Map(rows.map(({ seq, id }) => [seq, id]));
}
