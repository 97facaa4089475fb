import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Job } from '../../domain/job.ts';
import { ConflictError, NotFoundError } from '../../errors.ts';
import { isId } from '../../ids.ts';
import { type Caller, callerOf } from '../auth.ts';
import { auditEntry } from '../change-webhook.ts';
import { DEFAULT_LIMIT, decodeCursor, type IdParameters, idOf, pageFrom, pageOf, pageParameters } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { presentJob } from '../present-job.ts';
import { problems } from '../problem-schema.ts';

const tags = ['Jobs'];
const params = idOf('The job, job_….');
const listParameters = Type.Object(pageParameters, { additionalProperties: false });
const jobRef = Type.Unsafe<unknown>({ $ref: 'Job#' });

/** `/jobs`: how far recovery in bulk has come. */
export function jobRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { store, clock } = deps;

  app.get<{ Querystring: Static<typeof listParameters> }>('/jobs', {
    schema: {
      tags,
      operationId: 'listJobs',
      summary: 'List jobs, newest first.',
      querystring: listParameters,
      response: { 200: pageOf(jobRef, 'Jobs.') },
    },
    async handler(request) {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const { workspaceId } = callerOf(request);
      const before = decodeCursor(cursor, (position) => isId('job', position));
      const jobs = await store.listJobs({ workspaceId, limit: limit + 1, ...before });
      return pageFrom(jobs.map(presentJob), limit, ({ id }) => id);
    },
  });

  app.get<{ Params: IdParameters }>('/jobs/:id', {
    schema: {
      tags,
      operationId: 'getJob',
      summary: 'Show a job: its state, and how far it came.',
      params,
      response: { 200: { ...jobRef, description: 'The job.' }, ...problems(404) },
    },
    handler: async (request) => presentJob(await findJob(callerOf(request), request.params.id)),
  });

  app.post<{ Params: IdParameters }>('/jobs/:id/cancel', {
    schema: {
      tags,
      operationId: 'cancelJob',
      summary: 'Stop a job. What it put back until then stays owed.',
      params,
      response: { 200: { ...jobRef, description: 'It is cancelled.' }, ...problems(404, 409, 503) },
    },
    async handler(request) {
      const caller = callerOf(request);
      const { id } = await findJob(caller, request.params.id);
      const isCancelled = await store.cancelJob(caller.workspaceId, id);
      const job = await findJob(caller, id);
      if (!isCancelled) throw new ConflictError('conflict', `Job ${id} is over: it is ${job.state}.`);
      const action = 'job.cancelled';
      await store.appendAudit(auditEntry({ caller, at: clock.now(), action, subject: id, detail: null }));
      return presentJob(job);
    },
  });

  async function findJob({ workspaceId }: Caller, id: string): Promise<Job> {
    const job = isId('job', id) ? await store.getJob(workspaceId, id) : null;
    if (job === null) throw new NotFoundError(isId('job', id) ? `job ${id}` : 'job of this id');
    return job;
  }
}
