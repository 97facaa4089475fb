import type { FastifyInstance, FastifyReply } from 'fastify';
import Type, { type Static } from 'typebox';
import { NotFoundError } from '../../errors.ts';
import { isId } from '../../ids.ts';
import { type Caller, callerOf } from '../auth.ts';
import { changeHold, enableWebhook } from '../change-hold.ts';
import { auditEntry, changeWebhook, findWebhook, shown } from '../change-webhook.ts';
import { optionalStringSchema } from '../instant.ts';
import { DEFAULT_LIMIT, decodeCursor, type IdParameters, idOf, pageFrom, pageOf, pageParameters } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { attemptSchema, presentAttempt } from '../present-attempt.ts';
import { etagOf, presentWebhook, presentWithDestination, readStanding } from '../present-webhook.ts';
import { problems } from '../problem-schema.ts';
import { newReadToken } from '../read-token.ts';
import { bodyMayBeMissing } from '../request-validation.ts';

const webhookRef = Type.Unsafe<unknown>({ $ref: 'Webhook#' });
const params = idOf('The webhook, wh_….');
const listParameters = Type.Object(pageParameters, { additionalProperties: false });
const tags = ['Webhooks'];

const testBody = Type.Object(
  { activate: Type.Optional(Type.Boolean({ default: false, description: 'On success, save `active: true`.' })) },
  { additionalProperties: false, examples: [{ activate: true }] },
);

const testSchema = Type.Object(
  {
    success: Type.Boolean({ description: 'The receiver answered 2xx.' }),
    activated: Type.Boolean({ description: 'The webhook was inactive or disabled, and is not any more.' }),
    delivery_id: Type.String(),
    event_id: Type.String(),
    body: Type.String({ description: 'The body that was sent.' }),
    attempt: attemptSchema,
  },
  { description: 'What was sent, and what came back.' },
);

const secretSchema = Type.Object(
  {
    secret: Type.String(),
    read_token: optionalStringSchema('whr_…; null: it has none yet, and is given one by `/read-token/rotate`.'),
  },
  { description: 'The secret, and the read token.' },
);

const readTokenSchema = Type.Object(
  { read_token: Type.String({ description: 'whr_…' }) },
  { description: 'The new one.', examples: [{ read_token: 'whr_3q2-7wAAB1x9f0cVvN4mS8kJtE5yZpLrQhGdWbXoUaI' }] },
);

/** What can be done with a webhook beside changing it. */
export function webhookActionRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { store, engine, clock } = deps;

  app.post<{ Params: IdParameters; Body: Static<typeof testBody> | null }>('/webhooks/:id/test', {
    schema: {
      tags,
      operationId: 'testWebhook',
      summary: 'Send a webhook.test at once, whatever the webhook subscribes to and whether it is active.',
      params,
      body: testBody,
      response: { 200: testSchema, ...problems(404, 503) },
    },
    validatorCompiler: bodyMayBeMissing,
    async handler(request): Promise<Static<typeof testSchema>> {
      const caller = callerOf(request);
      const webhook = await findWebhook(deps, caller, request.params.id);
      const { success, deliveryId, eventId, body, attempt } = await engine.sendTest(webhook);
      // Looked at again: the test may have taken as long as an attempt may.
      const wanted = success && request.body?.activate === true;
      const wasInactive = wanted && !(await findWebhook(deps, caller, webhook.id)).config.active;
      const wasDisabled = wanted && (await enableWebhook(deps, { caller, webhookId: webhook.id, wasInactive }));
      if (wasInactive) {
        await changeWebhook(deps, {
          caller,
          webhookId: webhook.id,
          ifMatch: null,
          action: 'webhook.updated',
          edit: ({ config, secret }) => ({ config: { ...config, active: true }, secret, deletedAt: null }),
        });
      }
      const versions = await store.listWebhookVersions({ workspaceId: caller.workspaceId, webhookId: webhook.id });
      const delivery = { id: deliveryId, webhookId: webhook.id, eventId, eventType: 'webhook.test' };
      const shownAttempt = presentAttempt(attempt, { delivery, versions, ...sentBy(deps) });
      const activated = wasInactive || wasDisabled;
      return { success, activated, delivery_id: deliveryId, event_id: eventId, body, attempt: shownAttempt };
    },
  });

  app.post<{ Params: IdParameters }>('/webhooks/:id/pause', {
    schema: {
      tags,
      operationId: 'pauseWebhook',
      summary: 'Hold what a webhook is owed until it is resumed. It goes on taking events.',
      params,
      response: { 200: { ...webhookRef, description: 'The webhook.' }, ...problems(404, 503) },
    },
    handler: (request, reply) => hold({ caller: callerOf(request), id: request.params.id, change: 'pause' }, reply),
  });

  app.post<{ Params: IdParameters }>('/webhooks/:id/resume', {
    schema: {
      tags,
      operationId: 'resumeWebhook',
      summary:
        'Send what was held, whether a person paused the webhook or the system disabled it. An open circuit is probed at once. One that is inactive stays so.',
      params,
      response: { 200: { ...webhookRef, description: 'The webhook.' }, ...problems(404, 503) },
    },
    handler: (request, reply) => hold({ caller: callerOf(request), id: request.params.id, change: 'resume' }, reply),
  });

  async function hold(wanted: { caller: Caller; id: string; change: 'pause' | 'resume' }, reply: FastifyReply) {
    const { caller, id, change } = wanted;
    await changeHold(deps, { caller, webhookId: id, change });
    const webhook = await findWebhook(deps, caller, id);
    reply.header('etag', etagOf(webhook));
    const standing = await readStanding(store, webhook.workspaceId, webhook.id);
    return presentWithDestination(webhook, { standing, now: clock.now() });
  }

  app.post<{ Params: IdParameters }>('/webhooks/:id/secret/reveal', {
    schema: {
      tags,
      operationId: 'revealSecret',
      summary: "Show a webhook's secret and its read token. The audit log keeps who saw them.",
      params,
      response: { 200: secretSchema, ...problems(404, 503) },
    },
    async handler(request, reply): Promise<Static<typeof secretSchema>> {
      const caller = callerOf(request);
      const { workspaceId, id, secret } = await findWebhook(deps, caller, request.params.id);
      const action = 'webhook.secret_revealed';
      await store.appendAudit(auditEntry({ caller, at: clock.now(), action, subject: id, detail: null }));
      reply.header('cache-control', 'no-store');
      return { secret, read_token: await store.revealReadToken({ workspaceId, webhookId: id }) };
    },
  });

  app.post<{ Params: IdParameters }>('/webhooks/:id/read-token/rotate', {
    schema: {
      tags,
      operationId: 'rotateReadToken',
      summary: 'Give a webhook another read token. The one before is refused from now on.',
      params,
      response: { 200: readTokenSchema, ...problems(404, 503) },
    },
    async handler(request, reply): Promise<Static<typeof readTokenSchema>> {
      const readToken = newReadToken();
      await changeWebhook(deps, {
        caller: callerOf(request),
        webhookId: request.params.id,
        ifMatch: null,
        action: 'webhook.read_token_rotated',
        edit: ({ config, secret }) => ({ config, secret, deletedAt: null, readToken }),
      });
      reply.header('cache-control', 'no-store');
      return { read_token: readToken.token };
    },
  });

  app.get<{ Params: IdParameters; Querystring: Static<typeof listParameters> }>('/webhooks/:id/versions', {
    schema: {
      tags,
      operationId: 'listWebhookVersions',
      summary: 'List every version of a webhook, newest first; also of a deleted one.',
      params,
      querystring: listParameters,
      response: { 200: pageOf(webhookRef, 'Versions of the webhook.'), ...problems(404) },
    },
    async handler(request) {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const before = decodeCursor(cursor, (text) => /^\d{1,15}$/.test(text))?.before;
      const { workspaceId } = callerOf(request);
      const { id: webhookId } = request.params;
      const versions = isId('wh', webhookId) ? await store.listWebhookVersions({ workspaceId, webhookId }) : [];
      if (versions.length === 0) throw new NotFoundError(`webhook ${shown(webhookId)}`);
      const found = versions.filter(({ version }) => before === undefined || version < Number(before));
      const page = pageFrom(found.slice(0, limit + 1), limit, ({ version }) => String(version));
      return { ...page, data: page.data.map(presentWebhook) };
    },
  });
}

/** What every request of this deployment carries. */
export function sentBy({ webhookRules, version }: Pick<AppDeps, 'webhookRules' | 'version'>) {
  return { headerPrefix: webhookRules.headerPrefix, userAgent: `Broxi-Webhooks/${version}` };
}
