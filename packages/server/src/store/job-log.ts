import type { Job, JobEstimate, JobTask } from '../domain/job.ts';

/** Recovery in bulk. */
export interface JobLog {
  /**
   * Makes a job, about what there is at this moment: what fails, or is published, later is none of its business.
   * @returns null if the workspace has {@link MOST_UNFINISHED_JOBS} already
   */
  createJob(job: NewJob): Promise<Job | null>;
  /** What it put back stays owed. @returns false if it is over already, or there is no such job */
  cancelJob(workspaceId: string, jobId: string): Promise<boolean>;
  /** Those of all workspaces, oldest first. */
  unfinishedJobs(): Promise<Pick<Job, 'workspaceId' | 'id'>[]>;
  /** One step of a job: what is put back and how far it came are one transaction. Does nothing for a job that is over. */
  advanceJob(step: JobStep): Promise<JobStepResult>;
  getJob(workspaceId: string, jobId: string): Promise<Job | null>;
  /** Newest first. */
  listJobs(query: JobQuery): Promise<Job[]>;
  /** What a task would put back now. Looks at a bounded number of rows, and lets others read in between. */
  estimateJob(workspaceId: string, task: JobTask): Promise<JobEstimate>;
}

export type NewJob = Pick<Job, 'workspaceId' | 'id' | 'task' | 'estimate'>;

export interface JobQuery {
  workspaceId: string;
  limit: number;
  /** Only jobs with a lower id. */
  before?: string;
}

export interface JobStep {
  workspaceId: string;
  jobId: string;
  /** `next` of the step before; 0: begins with the first lane. */
  after: number;
  /** At most so many recovered deliveries wait in a lane; what is beyond is left for a later step. */
  window: number;
  /** Rows to look at. */
  limit: number;
}

export interface JobStepResult {
  /** Where the next step goes on; null: this one was about the last lane, or the job is over. */
  next: number | null;
  /** Deliveries that are owed (again) since this step. */
  requeued: number;
  /** The lane has as many recovered deliveries waiting as it may, and the job is not through with it. */
  isFull: boolean;
}
