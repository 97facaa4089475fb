import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { Job } from '../../domain/job.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { JobPosition } from '../candidates.ts';
import type { JobRow } from '../rows/job-row.ts';
import type { NewJob } from '../store.ts';
import { allRows, oneRow } from './database.ts';

/** The statements that write jobs, and how far they came. Each runs inside the caller's transaction. */
export class JobRows {
  readonly #clock: Clock;
  readonly #insert;
  readonly #addLane;
  readonly #addLanes;
  readonly #find;
  readonly #unfinished;
  readonly #countUnfinished;
  readonly #nextLane;
  readonly #move;
  readonly #leave;
  readonly #leaveAll;
  readonly #count;
  readonly #finish;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#insert = database.prepare(`
      INSERT INTO jobs (workspace_id, id, task, state, estimate, last_event, created_at)
      VALUES (?, ?, ?, 'pending', ?, (SELECT ifnull(max(seq), 0) FROM events), ?)`);
    this.#addLane = database.prepare(
      'INSERT INTO job_lanes (workspace_id, job_id, lane, position) VALUES (?, ?, ?, ?)',
    );
    this.#addLanes = database.prepare(`
      INSERT INTO job_lanes (workspace_id, job_id, lane, position)
      SELECT workspace_id, :jobId, number, :start FROM lanes l
      WHERE workspace_id = :workspaceId AND (:webhookId IS NULL OR webhook_id = :webhookId) AND EXISTS (
        SELECT 1 FROM deliveries INDEXED BY deliveries_given_up_of_lane
        WHERE lane = l.number AND state = :state AND state IN ('failed', 'cancelled'))`);
    this.#find = database.prepare('SELECT * FROM jobs WHERE workspace_id = ? AND id = ?');
    this.#unfinished = database.prepare(
      'SELECT workspace_id, id FROM jobs WHERE finished_at IS NULL ORDER BY created_at, id',
    );
    this.#countUnfinished = database.prepare(
      'SELECT count(*) AS count FROM jobs WHERE finished_at IS NULL AND workspace_id = ?',
    );
    this.#nextLane = database.prepare(`
      SELECT j.lane, j.position, l.workspace_id, l.webhook_id FROM job_lanes j JOIN lanes l ON l.number = j.lane
      WHERE j.workspace_id = ? AND j.job_id = ? AND j.lane > ? ORDER BY j.lane LIMIT 1`);
    this.#move = database.prepare(
      'UPDATE job_lanes SET position = ? WHERE workspace_id = ? AND job_id = ? AND lane = ?',
    );
    this.#leave = database.prepare('DELETE FROM job_lanes WHERE workspace_id = ? AND job_id = ? AND lane = ?');
    this.#leaveAll = database.prepare('DELETE FROM job_lanes WHERE workspace_id = ? AND job_id = ?');
    this.#count = database.prepare(`
      UPDATE jobs SET state = 'running', requeued = requeued + ?, skipped = skipped + ? WHERE workspace_id = ? AND id = ?`);
    this.#finish = database.prepare(`
      UPDATE jobs SET state = ?, finished_at = ? WHERE workspace_id = ? AND id = ? AND finished_at IS NULL`);
  }

  insert({ workspaceId, id, task, estimate }: NewJob): void {
    this.#insert.run(workspaceId, id, JSON.stringify(task), JSON.stringify(estimate), this.#clock.now());
  }

  /** The job is to go through this lane. */
  addLane({ workspaceId, id }: JobKey, lane: number, start: JobPosition): void {
    this.#addLane.run(workspaceId, id, lane, start);
  }

  /** The job is to go through every lane, or the one of a webhook, in which there is something in this state. */
  addLanes(key: JobKey, state: 'failed' | 'cancelled', webhookId: string | null, start: JobPosition): void {
    this.#addLanes.run({ workspaceId: key.workspaceId, jobId: key.id, state, webhookId, start });
  }

  find(workspaceId: string, id: string): JobRow | null {
    return oneRow<JobRow>(this.#find, workspaceId, id);
  }

  unfinished(): JobKey[] {
    return allRows<{ workspace_id: string; id: string }>(this.#unfinished).map((row) => ({
      workspaceId: row.workspace_id,
      id: row.id,
    }));
  }

  countUnfinished(workspaceId: string): number {
    return oneRow<{ count: number }>(this.#countUnfinished, workspaceId)?.count ?? 0;
  }

  /** The first lane after this one that the job is not through with. */
  nextLane({ workspaceId, id }: JobKey, after: number): JobLane | null {
    const row = oneRow<LaneRow>(this.#nextLane, workspaceId, id, after);
    return (
      row && {
        number: row.lane,
        position: row.position,
        lane: { workspaceId: row.workspace_id, webhookId: row.webhook_id },
      }
    );
  }

  moveTo({ workspaceId, id }: JobKey, lane: number, position: JobPosition): void {
    this.#move.run(position, workspaceId, id, lane);
  }

  /** The job is through with a lane. */
  leave({ workspaceId, id }: JobKey, lane: number): void {
    this.#leave.run(workspaceId, id, lane);
  }

  count({ workspaceId, id }: JobKey, { requeued, skipped }: { requeued: number; skipped: number }): void {
    this.#count.run(requeued, skipped, workspaceId, id);
  }

  /** @returns false if it is over already, or there is none */
  finish({ workspaceId, id }: JobKey, state: 'done' | 'cancelled'): boolean {
    this.#leaveAll.run(workspaceId, id);
    return this.#finish.run(state, this.#clock.now(), workspaceId, id).changes === 1;
  }
}

type JobKey = Pick<Job, 'workspaceId' | 'id'>;

/** A lane that a job is not through with. */
export interface JobLane {
  number: number;
  lane: Lane;
  position: JobPosition;
}

interface LaneRow {
  lane: number;
  position: JobPosition;
  workspace_id: string;
  webhook_id: string;
}
