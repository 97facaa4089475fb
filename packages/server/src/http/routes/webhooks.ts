import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Type, { type Static } from 'typebox';
import { applyMergePatch } from '../../domain/merge-patch.ts';
import { keepRouteIds } from '../../domain/routes.ts';
import type { Webhook } from '../../domain/webhook.ts';
import { parseWebhookConfig, unwrapWebhookConfig } from '../../domain/webhook-config.ts';
import { isId, newId } from '../../ids.ts';
import { callerOf } from '../auth.ts';
import { enableWebhook } from '../change-hold.ts';
import { auditEntry, changeWebhook, findWebhook } from '../change-webhook.ts';
import { parseIfMatch } from '../if-match.ts';
import { DEFAULT_LIMIT, decodeCursor, type IdParameters, idOf, pageFrom, pageOf, pageParameters } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { etagOf, presentWithDestination, readStanding } from '../present-webhook.ts';
import { problems } from '../problem-schema.ts';
import { newReadToken } from '../read-token.ts';
import { onlyDescribeBody } from '../request-validation.ts';
import { assertTypesExist, resolveReadBack } from '../webhook-input.ts';

const webhookRef = Type.Unsafe<unknown>({ $ref: 'Webhook#' });
const params = idOf('The webhook, wh_….');
const listParameters = Type.Object(pageParameters, { additionalProperties: false });
const ifMatchHeader = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'The version that is to be changed, such as "3"; without it the latest one.' }),
  ),
});
const tags = ['Webhooks'];
const saved = (description: string) => ({ ...webhookRef, description });

/** `/webhooks`: what is configured. */
export function webhookRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { store, workspaces, clock, webhookRules: rules } = deps;

  app.post('/webhooks', {
    schema: {
      tags,
      operationId: 'createWebhook',
      summary: 'Create a webhook. The answer shows its secret and its read token, for the only time.',
      body: { $ref: 'WebhookConfig#' },
      response: { 201: saved('Created.'), ...problems(503) },
    },
    validatorCompiler: onlyDescribeBody,
    async handler(request, reply) {
      const caller = callerOf(request);
      const { config, secret = newSecret(), warnings } = parseWebhookConfig(request.body, rules);
      assertTypesExist(config.events, { view: await workspaces.get(caller.workspaceId), input: request.body });
      const id = newId('wh');
      const now = clock.now();
      const readToken = newReadToken();
      const webhook = await workspaces.putWebhook({
        webhook: { workspaceId: caller.workspaceId, id, config, secret, updatedAt: now, deletedAt: null },
        expectedVersion: null,
        readToken,
        audit: auditEntry({ caller, at: now, action: 'webhook.created', subject: id, detail: null }),
      });
      reply.code(201).header('location', `/v1/webhooks/${id}`).header('cache-control', 'no-store');
      return { ...(await answer(reply, webhook, warnings)), secret: webhook.secret, read_token: readToken.token };
    },
  });

  app.get<{ Querystring: Static<typeof listParameters> }>('/webhooks', {
    schema: {
      tags,
      operationId: 'listWebhooks',
      summary: 'List webhooks, newest first.',
      querystring: listParameters,
      response: { 200: pageOf(webhookRef, 'Webhooks.') },
    },
    async handler(request) {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const before = decodeCursor(cursor, (text) => isId('wh', text))?.before;
      const view = await workspaces.get(callerOf(request).workspaceId);
      const found = [...view.webhooks.values()]
        .filter((webhook) => before === undefined || webhook.id < before)
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limit + 1);
      const page = pageFrom(found, limit, (webhook) => webhook.id);
      const standing = await readStanding(store, callerOf(request).workspaceId);
      return {
        ...page,
        data: page.data.map((webhook) => presentWithDestination(webhook, { standing, now: clock.now() })),
      };
    },
  });

  app.get<{ Params: IdParameters }>('/webhooks/:id', {
    schema: {
      tags,
      operationId: 'getWebhook',
      summary: 'Show a webhook.',
      params,
      response: { 200: saved('The webhook.'), ...problems(404) },
    },
    handler: async (request, reply) => answer(reply, await findWebhook(deps, callerOf(request), request.params.id)),
  });

  app.patch<{ Params: IdParameters }>('/webhooks/:id', {
    schema: {
      tags,
      operationId: 'patchWebhook',
      summary: 'Change some fields of a webhook (JSON merge patch).',
      consumes: ['application/json', 'application/merge-patch+json'],
      params,
      headers: ifMatchHeader,
      body: { $ref: 'WebhookPatch#' },
      response: { 200: saved('The new version.'), ...problems(404, 412, 503) },
    },
    validatorCompiler: onlyDescribeBody,
    async handler(request, reply) {
      return save(request, reply, (current) =>
        applyMergePatch({ current: current.config, patch: resolveReadBack(request.body, current), rules }),
      );
    },
  });

  app.put<{ Params: IdParameters }>('/webhooks/:id', {
    schema: {
      tags,
      operationId: 'replaceWebhook',
      summary:
        'Replace the configuration of a webhook; what is left out gets its default. Without `secret` it keeps its own.',
      params,
      headers: ifMatchHeader,
      body: { $ref: 'WebhookConfig#' },
      response: { 200: saved('The new version.'), ...problems(404, 412, 503) },
    },
    validatorCompiler: onlyDescribeBody,
    async handler(request, reply) {
      return save(request, reply, (current) => parseWebhookConfig(resolveReadBack(request.body, current), rules));
    },
  });

  app.delete<{ Params: IdParameters }>('/webhooks/:id', {
    schema: {
      tags,
      operationId: 'deleteWebhook',
      summary: 'Delete a webhook. What it is owed is cancelled; its history stays.',
      params,
      headers: ifMatchHeader,
      response: { 204: { type: 'null', description: 'Deleted.' }, ...problems(404, 412, 503) },
    },
    async handler(request, reply) {
      await changeWebhook(deps, {
        caller: callerOf(request),
        webhookId: request.params.id,
        ifMatch: parseIfMatch(request.headers['if-match']),
        action: 'webhook.deleted',
        edit: ({ config, secret }) => ({ config, secret, deletedAt: clock.now() }),
      });
      return reply.code(204).send();
    },
  });

  async function save(
    request: SaveRequest,
    reply: FastifyReply,
    parse: (current: Webhook) => ReturnType<typeof parseWebhookConfig>,
  ) {
    const caller = callerOf(request);
    const view = await workspaces.get(caller.workspaceId);
    let warnings: string[] = [];
    let wasInactive = false;
    const webhook = await changeWebhook(deps, {
      caller,
      webhookId: request.params.id,
      ifMatch: parseIfMatch(request.headers['if-match']),
      action: 'webhook.updated',
      edit(current) {
        const parsed = parse(current);
        assertTypesExist(parsed.config.events, { view, before: current.config.events, input: request.body });
        warnings = parsed.warnings;
        wasInactive = !current.config.active;
        const config = { ...parsed.config, routes: keepRouteIds(parsed.config.routes, current.config.routes) };
        return { config, secret: parsed.secret ?? current.secret, deletedAt: null };
      },
    });
    // Whoever says that it is active means it, also if it was the system that switched it off.
    if (unwrapWebhookConfig(request.body).fields.active === true) {
      await enableWebhook(deps, { caller, webhookId: webhook.id, wasInactive });
    }
    return answer(reply, webhook, warnings);
  }
  async function answer(reply: FastifyReply, webhook: Webhook, warnings: readonly string[] = []) {
    reply.header('etag', etagOf(webhook));
    return presentWithDestination(webhook, {
      standing: await readStanding(store, webhook.workspaceId, webhook.id),
      now: clock.now(),
      warnings,
    });
  }
}

type SaveRequest = Parameters<typeof callerOf>[0] & { params: unknown } & { params: IdParameters };

/** Standard Webhooks 1.0: 24 to 64 random bytes, in base64 behind the prefix. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
