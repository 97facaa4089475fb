import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { RetryFilter } from '../../domain/retry-filter.ts';
import { ConflictError, type FieldError, InvalidFieldsError } from '../../errors.ts';
import { callerOf } from '../auth.ts';
import { findWebhook } from '../change-webhook.ts';
import { parseInstant } from '../instant.ts';
import { type IdParameters, idOf } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { estimateSchema } from '../present-job.ts';
import { problems } from '../problem-schema.ts';
import { startJob } from '../start-job.ts';

const text = (description: string) => Type.Optional(Type.String({ maxLength: 1024, description }));
const dryRun = Type.Optional(
  Type.Boolean({ default: false, description: 'Do nothing, and say what there would be to do.' }),
);
const answers = {
  200: estimateSchema,
  202: Type.Unsafe<unknown>({ $ref: 'Job#', description: 'The job; `Location` leads to it.' }),
};

const retryBody = Type.Object(
  {
    webhook_id: text('Of this webhook; default: of all.'),
    state: Type.Optional(Type.Enum(['failed', 'cancelled'], { default: 'failed' })),
    event: text('Of this event type.'),
    run_id: text('Of events with this `data.run_id`.'),
    status: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 599, description: 'HTTP status of the latest answer.' }),
    ),
    from: text('Owed at this instant or later; ISO 8601.'),
    to: text('Owed before this instant; ISO 8601.'),
    finished_from: text('Failed or cancelled at this instant or later; ISO 8601.'),
    finished_to: text('Failed or cancelled before this instant; ISO 8601.'),
    dry_run: dryRun,
  },
  {
    additionalProperties: false,
    description: 'Everything in it must hold. Empty: everything that failed.',
    examples: [{ finished_from: '2026-01-15T10:30:00.000Z', dry_run: true }],
  },
);

const backfillBody = Type.Object(
  { since: Type.String({ description: 'Events accepted at this instant or later; ISO 8601.' }), dry_run: dryRun },
  { additionalProperties: false, examples: [{ since: '2026-01-15T10:30:00.000Z' }] },
);

/** Recovery in bulk: an estimate first, and then a job. */
export function recoveryRoutes(app: FastifyInstance, deps: AppDeps): void {
  app.post<{ Body: Static<typeof retryBody> }>('/deliveries/retry', {
    schema: {
      tags: ['Deliveries'],
      operationId: 'retryDeliveries',
      summary:
        'Try again everything that failed, or was cancelled, and fits a filter: a fresh schedule, the same delivery ids.',
      body: retryBody,
      response: { ...answers, ...problems(409, 503) },
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const { webhooks } = await deps.workspaces.get(caller.workspaceId);
      const { webhook_id: webhookId, dry_run: isDryRun = false } = request.body;
      if (webhookId !== undefined && !webhooks.has(webhookId)) {
        throw new InvalidFieldsError([{ path: 'webhook_id', message: 'must be a webhook of this workspace' }]);
      }
      const filter = parseFilter(request.body);
      return startJob(deps, { caller, task: { kind: 'retry', filter }, isDryRun, reply });
    },
  });

  app.post<{ Params: IdParameters; Body: Static<typeof backfillBody> }>('/webhooks/:id/backfill', {
    schema: {
      tags: ['Webhooks'],
      operationId: 'backfillWebhook',
      summary:
        'Owe a webhook the events that it subscribes to now, that were accepted since an instant, and that it has no delivery of.',
      description:
        'For what was published while the webhook was inactive, subscribed to less, or did not exist yet. The deliveries are new ones, with `origin: backfill`. Doing it twice owes nothing twice.',
      params: idOf('The webhook, wh_….'),
      body: backfillBody,
      response: { ...answers, ...problems(404, 409, 503) },
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const { id: webhookId, config } = await findWebhook(deps, caller, request.params.id);
      const { since: given, dry_run: isDryRun = false } = request.body;
      const since = parseInstant(given, 'since');
      if (since > deps.clock.now()) {
        throw new InvalidFieldsError([{ path: 'since', message: 'must not lie in the future' }]);
      }
      if (!config.active && !isDryRun) {
        throw new ConflictError('conflict', `Webhook ${webhookId} is inactive; activate it first, and backfill then.`);
      }
      return startJob(deps, { caller, task: { kind: 'backfill', webhookId, since }, isDryRun, reply });
    },
  });
}

/** @throws InvalidFieldsError for instants that are none, and ranges that nothing can lie in */
function parseFilter(body: Static<typeof retryBody>): RetryFilter {
  const instant = (path: 'from' | 'to' | 'finished_from' | 'finished_to') => {
    const given = body[path];
    return given === undefined ? null : parseInstant(given, path);
  };
  const filter: RetryFilter = {
    state: body.state ?? 'failed',
    webhookId: body.webhook_id ?? null,
    eventType: body.event ?? null,
    runId: body.run_id ?? null,
    status: body.status ?? null,
    createdFrom: instant('from'),
    createdTo: instant('to'),
    finishedFrom: instant('finished_from'),
    finishedTo: instant('finished_to'),
  };
  const problems: FieldError[] = [];
  if (isEmptyRange(filter.createdFrom, filter.createdTo)) problems.push({ path: 'to', message: 'must be after from' });
  if (isEmptyRange(filter.finishedFrom, filter.finishedTo)) {
    problems.push({ path: 'finished_to', message: 'must be after finished_from' });
  }
  if (problems.length > 0) throw new InvalidFieldsError(problems);
  return filter;
}

function isEmptyRange(from: number | null, to: number | null): boolean {
  return from !== null && to !== null && from >= to;
}
