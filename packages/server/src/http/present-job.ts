import Type, { type Static } from 'typebox';
import { type Job, type JobEstimate, type JobTask, progressOf } from '../domain/job.ts';
import { instantSchema, optionalInstantSchema, presentInstant, presentOptionalInstant } from './instant.ts';

const estimateFields = {
  count: Type.Integer({ description: 'How many deliveries it would owe (again).' }),
  is_minimum: Type.Boolean({
    description: 'There was more to look at than an estimate may: there are at least so many.',
  }),
  oldest: optionalInstantSchema(
    'When the oldest was owed or, for a backfill, its event accepted; null: there is none.',
  ),
  newest: optionalInstantSchema('Of the newest; null: there is none, or it was not found at a bounded cost.'),
};

export const estimateSchema = Type.Object(estimateFields, { description: 'What there is to do.' });

const optionalText = () => Type.Optional(Type.String());

export const jobSchema = Type.Object(
  {
    id: Type.String({ description: 'job_…' }),
    kind: Type.Enum(['retry', 'backfill']),
    filter: Type.Object(
      {
        webhook_id: optionalText(),
        state: Type.Optional(Type.Enum(['failed', 'cancelled'])),
        event: optionalText(),
        run_id: optionalText(),
        status: Type.Optional(Type.Integer()),
        from: Type.Optional(instantSchema('Owed at this instant or later.')),
        to: Type.Optional(instantSchema('Owed before this instant.')),
        finished_from: Type.Optional(instantSchema('Failed or cancelled at this instant or later.')),
        finished_to: Type.Optional(instantSchema('Failed or cancelled before this instant.')),
        by_outage: Type.Optional(
          Type.Boolean({
            description: 'Only what used up its retries by an outage; the server made the job by itself.',
          }),
        ),
        outage_of: Type.Optional(Type.String({ description: 'The URL whose outage that was.' })),
        since: Type.Optional(instantSchema('Of a backfill: accepted at this instant or later.')),
      },
      { description: 'What it is about, as it was asked for.' },
    ),
    state: Type.Enum(['pending', 'running', 'done', 'cancelled'], {
      description: 'cancelled: what it put back until then stays owed.',
    }),
    estimate: Type.Object(estimateFields, { description: 'What there was to do when it was made.' }),
    matched: Type.Integer({ description: 'What it met so far that the filter is about.' }),
    requeued: Type.Integer({ description: 'Of these: deliveries that are owed (again).' }),
    skipped: Type.Integer({
      description: 'The others: their webhook was deleted or, for a backfill, has a delivery of that event.',
    }),
    progress: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      minimum: 0,
      maximum: 1,
      description: 'The share of its work that is done, 0 to 1; null: unknown, because the estimate is a minimum.',
    }),
    created_at: instantSchema('When it was made. What failed or was published later is none of its business.'),
    finished_at: optionalInstantSchema('When it was done or cancelled.'),
  },
  { $id: 'Job', description: 'Recovery in bulk: goes through its work in small steps, oldest first, at a ramp.' },
);

export type JobJson = Static<typeof jobSchema>;

export function presentEstimate(estimate: JobEstimate): Static<typeof estimateSchema> {
  return {
    count: estimate.count,
    is_minimum: estimate.isMinimum,
    oldest: presentOptionalInstant(estimate.oldestAt),
    newest: presentOptionalInstant(estimate.newestAt),
  };
}

export function presentJob(job: Job): JobJson {
  return {
    id: job.id,
    kind: job.task.kind,
    filter: presentTask(job.task),
    state: job.state,
    estimate: presentEstimate(job.estimate),
    matched: job.matched,
    requeued: job.requeued,
    skipped: job.skipped,
    progress: progressOf(job),
    created_at: presentInstant(job.createdAt),
    finished_at: presentOptionalInstant(job.finishedAt),
  };
}

function presentTask(task: JobTask): JobJson['filter'] {
  if (task.kind === 'backfill') return { webhook_id: task.webhookId, since: presentInstant(task.since) };
  const { webhookId, state, eventType, runId, status, createdFrom, createdTo, finishedFrom, finishedTo } = task.filter;
  const { byOutage, outageOf } = task.filter;
  return {
    state,
    ...(webhookId !== null && { webhook_id: webhookId }),
    ...(eventType !== null && { event: eventType }),
    ...(runId !== null && { run_id: runId }),
    ...(status !== null && { status }),
    ...(createdFrom !== null && { from: presentInstant(createdFrom) }),
    ...(createdTo !== null && { to: presentInstant(createdTo) }),
    ...(finishedFrom !== null && { finished_from: presentInstant(finishedFrom) }),
    ...(byOutage === true && { by_outage: true }),
    ...(outageOf !== undefined && { outage_of: outageOf }),
    ...(finishedTo !== null && { finished_to: presentInstant(finishedTo) }),
  };
}
