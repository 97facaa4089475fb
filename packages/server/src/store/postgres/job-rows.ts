import type { Clock } from '../../clock.ts';
import type { Job } from '../../domain/job.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { JobPosition } from '../candidates.ts';
import type { JobRow } from '../rows/job-row.ts';
import type { NewJob } from '../store.ts';
import { firstOf, type Query } from './database.ts';

/** Whom a job is: its workspace, and its id. */
export type JobKey = Pick<Job, 'workspaceId' | 'id'>;

/** A lane that a job is not through with. */
export interface JobLane {
  number: number;
  lane: Lane;
  position: JobPosition;
}

/** Steps from webhook to webhook through the index of what was given up. */
const ADD_LANES = `
  WITH RECURSIVE webhooks AS (
    (SELECT webhook_id FROM broxi.deliveries
      WHERE workspace_id = $1 AND state = $3 AND state IN ('failed', 'cancelled') AND ($4::text IS NULL OR webhook_id = $4)
      ORDER BY webhook_id LIMIT 1)
    UNION ALL
    SELECT next.webhook_id FROM webhooks w, LATERAL (
      SELECT webhook_id FROM broxi.deliveries d
      WHERE workspace_id = $1 AND state = $3 AND state IN ('failed', 'cancelled') AND $4::text IS NULL
        AND d.webhook_id > w.webhook_id
      ORDER BY webhook_id LIMIT 1
    ) next
  )
  INSERT INTO broxi.job_lanes (workspace_id, job_id, number, webhook_id, position)
  SELECT $1, $2, row_number() OVER (ORDER BY webhook_id), webhook_id, $5 FROM webhooks`;

const LAST_EVENT = 'SELECT coalesce(max(seq), 0) FROM broxi.events';

/** The statements that write jobs, and how far they came. Each runs inside the caller's transaction. */
export class JobRows {
  readonly #query: Query;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(query: Query, clock: Pick<Clock, 'now'>) {
    this.#query = query;
    this.#clock = clock;
  }

  async insert({ workspaceId, id, task, estimate }: NewJob): Promise<void> {
    await this.#query(
      `INSERT INTO broxi.jobs (workspace_id, id, task, state, estimate, last_event, created_at)
        VALUES ($1, $2, $3, 'pending', $4, (${LAST_EVENT}), $5)`,
      [workspaceId, id, JSON.stringify(task), JSON.stringify(estimate), this.#clock.now()],
    );
  }

  /** The job is to go through this lane alone. */
  async addLane({ workspaceId, id }: JobKey, webhookId: string, start: JobPosition): Promise<void> {
    await this.#query(
      'INSERT INTO broxi.job_lanes (workspace_id, job_id, number, webhook_id, position) VALUES ($1, $2, 1, $3, $4)',
      [workspaceId, id, webhookId, JSON.stringify(start)],
    );
  }

  /** The job is to go through every lane, or the one of a webhook, in which there is something in this state. */
  async addLanes(
    { workspaceId, id }: JobKey,
    { state, webhookId, start }: { state: 'failed' | 'cancelled'; webhookId: string | null; start: JobPosition },
  ): Promise<void> {
    await this.#query(ADD_LANES, [workspaceId, id, state, webhookId, JSON.stringify(start)]);
  }

  /** Locks it: two nodes never take steps of one job at a time. */
  async find(workspaceId: string, id: string): Promise<JobRow | null> {
    const text = 'SELECT * FROM broxi.jobs WHERE workspace_id = $1 AND id = $2 FOR UPDATE';
    return firstOf(await this.#query<JobRow>(text, [workspaceId, id]));
  }

  async countUnfinished(workspaceId: string): Promise<number> {
    const text = 'SELECT count(*) AS count FROM broxi.jobs WHERE finished_at IS NULL AND workspace_id = $1';
    return firstOf(await this.#query<{ count: number }>(text, [workspaceId]))?.count ?? 0;
  }

  /** The first lane after this one that the job is not through with. @param isMeant which lanes count; default all */
  async nextLane(
    { workspaceId, id }: JobKey,
    after: number,
    isMeant: (lane: Lane) => boolean = () => true,
  ): Promise<JobLane | null> {
    const rows = await this.#query<{ number: number; webhook_id: string; position: string }>(
      `SELECT number, webhook_id, position FROM broxi.job_lanes
        WHERE workspace_id = $1 AND job_id = $2 AND number > $3 ORDER BY number`,
      [workspaceId, id, after],
    );
    const row = rows.find(({ webhook_id: webhookId }) => isMeant({ workspaceId, webhookId }));
    if (row === undefined) return null;
    const position = JSON.parse(row.position) as JobPosition;
    return { number: row.number, lane: { workspaceId, webhookId: row.webhook_id }, position };
  }

  async moveTo({ workspaceId, id }: JobKey, lane: number, position: JobPosition): Promise<void> {
    await this.#query(
      'UPDATE broxi.job_lanes SET position = $4 WHERE workspace_id = $1 AND job_id = $2 AND number = $3',
      [workspaceId, id, lane, JSON.stringify(position)],
    );
  }

  /** The job is through with a lane. */
  async leave({ workspaceId, id }: JobKey, lane: number): Promise<void> {
    await this.#query('DELETE FROM broxi.job_lanes WHERE workspace_id = $1 AND job_id = $2 AND number = $3', [
      workspaceId,
      id,
      lane,
    ]);
  }

  async count(
    { workspaceId, id }: JobKey,
    { requeued, skipped }: { requeued: number; skipped: number },
  ): Promise<void> {
    await this.#query(
      `UPDATE broxi.jobs SET state = 'running', requeued = requeued + $3, skipped = skipped + $4
        WHERE workspace_id = $1 AND id = $2`,
      [workspaceId, id, requeued, skipped],
    );
  }

  /** @returns false if it is over already, or there is none */
  async finish({ workspaceId, id }: JobKey, state: 'done' | 'cancelled'): Promise<boolean> {
    await this.#query('DELETE FROM broxi.job_lanes WHERE workspace_id = $1 AND job_id = $2', [workspaceId, id]);
    const ended = await this.#query(
      `UPDATE broxi.jobs SET state = $3, finished_at = $4
        WHERE workspace_id = $1 AND id = $2 AND finished_at IS NULL RETURNING id`,
      [workspaceId, id, state, this.#clock.now()],
    );
    return ended.length === 1;
  }
}
