import assert from 'node:assert/strict';
import type { Job, JobTask } from '../../domain/job.ts';
import { newId } from '../../ids.ts';
import type { JobStep, JobStepResult } from '../store.ts';
import { NOTHING_TO_DO } from './samples.ts';
import type { Scene } from './scene.ts';

/** Where a test makes jobs, and takes their steps. */
export class JobRuns {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async create(workspaceId: string, task: JobTask): Promise<Job> {
    const job = await this.#scene.store.createJob({ workspaceId, id: newId('job'), task, estimate: NOTHING_TO_DO });
    assert.ok(job, 'there may be one more');
    return job;
  }

  step({ workspaceId, id: jobId }: Job, step: Partial<JobStep> = {}): Promise<JobStepResult> {
    return this.#scene.store.advanceJob({ workspaceId, jobId, after: 0, window: 1_000, limit: 1_000, ...step });
  }

  /** Takes steps until the job is over. @returns what became of it, and how many steps that took */
  async finish(job: Job, step: Partial<JobStep> = {}): Promise<{ job: Job; steps: number }> {
    let after = 0;
    for (let steps = 1; steps < 1_000; steps += 1) {
      const { next } = await this.step(job, { ...step, after });
      after = next ?? 0;
      const now = await this.read(job);
      if (now.finishedAt !== null) return { job: now, steps };
    }
    throw new Error('the job does not come to an end');
  }

  async read({ workspaceId, id }: Job): Promise<Job> {
    const job = await this.#scene.read((reads) => reads.getJob(workspaceId, id));
    assert.ok(job, 'the job is kept');
    return job;
  }
}
