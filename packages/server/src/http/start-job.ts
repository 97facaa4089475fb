import type { FastifyReply } from 'fastify';
import { type JobTask, MOST_UNFINISHED_JOBS } from '../domain/job.ts';
import { ConflictError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Caller } from './auth.ts';
import { auditEntry } from './change-webhook.ts';
import type { AppDeps } from './ports.ts';
import { presentEstimate, presentJob } from './present-job.ts';

/**
 * Answers 200 with what a task would do or, unless it is a dry run, makes it a job: 202.
 * @throws ConflictError if the workspace has as many unfinished jobs as it may
 */
export async function startJob(
  { store, clock }: Pick<AppDeps, 'store' | 'clock'>,
  { caller, task, isDryRun, reply }: { caller: Caller; task: JobTask; isDryRun: boolean; reply: FastifyReply },
): Promise<FastifyReply> {
  const { workspaceId } = caller;
  const estimate = await store.estimateJob(workspaceId, task);
  if (isDryRun) return reply.code(200).send(presentEstimate(estimate));
  const job = await store.createJob({ workspaceId, id: newId('job'), task, estimate });
  if (job === null) {
    const limit = `There are ${MOST_UNFINISHED_JOBS} unfinished jobs already`;
    throw new ConflictError('conflict', `${limit}; wait for one, or cancel it: POST /v1/jobs/{id}/cancel.`);
  }
  const detail = JSON.stringify(task);
  await store.appendAudit(auditEntry({ caller, at: clock.now(), action: `job.${task.kind}`, subject: job.id, detail }));
  return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(presentJob(job));
}
