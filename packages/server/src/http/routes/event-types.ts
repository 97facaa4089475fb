import { isTypeName } from '@broxi/events/names';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { ConflictError, NotFoundError } from '../../errors.ts';
import { type Caller, callerOf } from '../auth.ts';
import { auditEntry } from '../change-webhook.ts';
import { assertRegistrable, newEventType, parseEventType, replacedEventType } from '../event-type-input.ts';
import { DEFAULT_LIMIT, decodeCursor, pageFrom, pageOf, pageParameters } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { presentCustomType, presentEventType, presentEventTypes } from '../present-event-type.ts';
import { problems } from '../problem-schema.ts';

const eventTypeRef = Type.Unsafe<unknown>({ $ref: 'EventType#' });
const saved = (description: string) => ({ ...eventTypeRef, description });
const params = Type.Object({ name: Type.String({ description: 'The name of the event type.' }) });
const listParameters = Type.Object(pageParameters, { additionalProperties: false });
const tags = ['Event types'];

type NameParameters = Static<typeof params>;

/** `/event-types`: what can be published and subscribed to. */
export function eventTypeRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { workspaces, schemas, store, clock } = deps;

  app.get<{ Querystring: Static<typeof listParameters> }>('/event-types', {
    schema: {
      tags,
      operationId: 'listEventTypes',
      summary: 'List event types by name: built-in, operational and custom ones.',
      querystring: listParameters,
      response: { 200: pageOf(eventTypeRef, 'Event types.') },
    },
    async handler(request) {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const after = decodeCursor(cursor, isTypeName)?.before ?? '';
      const types = presentEventTypes(await workspaces.get(callerOf(request).workspaceId));
      return pageFrom(types.filter(({ name }) => name > after).slice(0, limit + 1), limit, ({ name }) => name);
    },
  });

  app.get<{ Params: NameParameters }>('/event-types/:name', {
    schema: {
      tags,
      operationId: 'getEventType',
      summary: 'Show an event type.',
      params,
      response: { 200: saved('The event type.'), ...problems(404) },
    },
    async handler(request) {
      const type = presentEventType(await workspaces.get(callerOf(request).workspaceId), request.params.name);
      if (type === undefined) throw new NotFoundError('event type of this name');
      return type;
    },
  });

  app.post<{ Body: Static<typeof newEventType> }>('/event-types', {
    schema: {
      tags,
      operationId: 'createEventType',
      summary: 'Register a custom event type.',
      body: newEventType,
      response: { 201: saved('Registered.'), ...problems(409, 503) },
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const { name, ...input } = request.body;
      assertRegistrable(name);
      const { eventTypes } = await workspaces.get(caller.workspaceId);
      if (eventTypes.has(name)) {
        throw new ConflictError(
          'conflict',
          `${name} is registered already; replace it with PUT /v1/event-types/${name}.`,
        );
      }
      reply.code(201).header('location', `/v1/event-types/${name}`);
      return save(caller, name, input);
    },
  });

  app.put<{ Params: NameParameters; Body: Static<typeof replacedEventType> }>('/event-types/:name', {
    schema: {
      tags,
      operationId: 'replaceEventType',
      summary: 'Register a custom event type, or replace it.',
      params,
      body: replacedEventType,
      response: { 200: saved('Saved.'), ...problems(503) },
    },
    async handler(request) {
      assertRegistrable(request.params.name);
      return save(callerOf(request), request.params.name, request.body);
    },
  });

  app.delete<{ Params: NameParameters }>('/event-types/:name', {
    schema: {
      tags,
      operationId: 'deleteEventType',
      summary: 'Delete a custom event type. Events of it stay; new ones are refused.',
      params,
      response: { 204: { type: 'null', description: 'Deleted.' }, ...problems(404, 503) },
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const { name } = request.params;
      if (isTypeName(name)) assertRegistrable(name);
      const deleted = isTypeName(name) && (await workspaces.deleteEventType(caller.workspaceId, name));
      if (!deleted) throw new NotFoundError('event type of this name');
      await audit(caller, 'event_type.deleted', name);
      return reply.code(204).send();
    },
  });

  async function save(caller: Caller, name: string, input: Static<typeof replacedEventType>) {
    const parsed = parseEventType(input, schemas);
    const type = { workspaceId: caller.workspaceId, name, ...parsed, updatedAt: clock.now() };
    await workspaces.putEventType(type);
    await audit(caller, 'event_type.saved', name);
    return presentCustomType(type);
  }

  function audit(caller: Caller, action: string, subject: string): Promise<void> {
    return store.appendAudit(auditEntry({ caller, at: clock.now(), action, subject, detail: null }));
  }
}
