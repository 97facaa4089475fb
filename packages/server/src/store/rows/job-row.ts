import type { Job, JobState, JobTask } from '../../domain/job.ts';

/** A row of `jobs`. */
export interface JobRow {
  workspace_id: string;
  id: string;
  task: string;
  state: JobState;
  estimate: string;
  requeued: number;
  skipped: number;
  last_event: number;
  created_at: number;
  finished_at: number | null;
}

export function jobFromRow(row: JobRow): Job {
  return {
    workspaceId: row.workspace_id,
    id: row.id,
    task: JSON.parse(row.task) as JobTask,
    state: row.state,
    estimate: JSON.parse(row.estimate) as Job['estimate'],
    matched: row.requeued + row.skipped,
    requeued: row.requeued,
    skipped: row.skipped,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
