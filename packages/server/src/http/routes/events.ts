import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { NotFoundError } from '../../errors.ts';
import { isId } from '../../ids.ts';
import type { Delivery } from '../../store/store.ts';
import { callerOf } from '../auth.ts';
import { DEFAULT_LIMIT, decodeCursor, type IdParameters, idOf, pageFrom, pageOf, pageParameters } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { type DeliveryJson, presentDeliveries } from '../present-delivery.ts';
import { eventFields, presentEvent } from '../present-event.ts';
import { problems } from '../problem-schema.ts';
import { findUndelivered, undeliveredSchema } from '../undelivered.ts';

const tags = ['Events'];
/** Deliveries of one event that are read at a time. */
const CHUNK = 500;

const listParameters = Type.Object(
  {
    type: Type.Optional(Type.String({ maxLength: 128, description: 'Of this event type.' })),
    run: Type.Optional(Type.String({ maxLength: 1024, description: 'With this `data.run_id`.' })),
    ...pageParameters,
  },
  { additionalProperties: false },
);

const detailSchema = Type.Object(
  {
    ...eventFields,
    data: Type.Object({}, { additionalProperties: true, description: 'As it is sent.' }),
    deliveries: Type.Array(Type.Unsafe<DeliveryJson>({ $ref: 'Delivery#' }), {
      description: 'What became of it, newest first.',
    }),
    undelivered: Type.Array(undeliveredSchema, {
      description: 'Webhooks that subscribed to its type and did not get it.',
    }),
  },
  { description: 'The event, and what became of it at every webhook that subscribed to its type.' },
);

/** `/events`, read: what happened, and where it went. */
export function eventRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { store } = deps;

  app.get<{ Querystring: Static<typeof listParameters> }>('/events', {
    schema: {
      tags,
      operationId: 'listEvents',
      summary: 'List events, newest first.',
      querystring: listParameters,
      response: { 200: pageOf(Type.Unsafe<unknown>({ $ref: 'Event#' }), 'Events.') },
    },
    async handler(request) {
      const { type, run, limit = DEFAULT_LIMIT, cursor } = request.query;
      const rows = await store.listEvents({
        workspaceId: callerOf(request).workspaceId,
        limit: limit + 1,
        ...decodeCursor(cursor, (position) => isId('evt', position)),
        ...(type !== undefined && { type }),
        ...(run !== undefined && { runId: run }),
      });
      return pageFrom(rows.map(presentEvent), limit, ({ id }) => id);
    },
  });

  app.get<{ Params: IdParameters }>('/events/:id', {
    schema: {
      tags,
      operationId: 'getEvent',
      summary: 'Show an event with its data, and what became of it at every webhook that subscribed to its type.',
      params: idOf('The event, evt_….'),
      response: { 200: detailSchema, ...problems(404) },
    },
    async handler(request): Promise<Static<typeof detailSchema>> {
      const { workspaceId } = callerOf(request);
      const { id } = request.params;
      const event = isId('evt', id) ? await store.getEvent(workspaceId, id) : null;
      if (event === null) throw new NotFoundError(isId('evt', id) ? `event ${id}` : 'event of this id');
      const deliveries = await deliveriesOf(workspaceId, id);
      const deliveredTo = new Set(deliveries.map(({ webhookId }) => webhookId));
      return {
        ...presentEvent(event),
        data: JSON.parse(event.dataText) as object,
        deliveries: await presentDeliveries(deliveries, deps),
        undelivered: await findUndelivered(store, event, deliveredTo),
      };
    },
  });

  async function deliveriesOf(workspaceId: string, eventId: string): Promise<Delivery[]> {
    const found: Delivery[] = [];
    for (;;) {
      const before = found.at(-1)?.id;
      const query = { workspaceId, eventId, limit: CHUNK, ...(before !== undefined && { before }) };
      const rows = await store.listDeliveries(query);
      found.push(...rows);
      if (rows.length < CHUNK) return found;
    }
  }
}
