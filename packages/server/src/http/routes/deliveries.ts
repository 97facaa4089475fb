import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { deliveryBody } from '../../domain/delivery-body.ts';
import { isId } from '../../ids.ts';
import type { Delivery } from '../../store/store.ts';
import { callerOf } from '../auth.ts';
import { findDelivery } from '../find-delivery.ts';
import { parseInstant } from '../instant.ts';
import { listDeliveries } from '../list-deliveries.ts';
import { DEFAULT_LIMIT, decodeCursor, type IdParameters, idOf, pageOf, pageParameters } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { attemptSchema, presentAttempt } from '../present-attempt.ts';
import { DELIVERY_STATES, type DeliveryJson, deliveryFields, presentDelivery } from '../present-delivery.ts';
import { problems } from '../problem-schema.ts';
import { sentBy } from './webhook-actions.ts';

const tags = ['Deliveries'];
const text = (description: string) => Type.Optional(Type.String({ maxLength: 1024, description }));

const listParameters = Type.Object(
  {
    webhook_id: text('Of this webhook.'),
    state: Type.Optional(Type.Enum([...DELIVERY_STATES])),
    event: text('Of this event type.'),
    event_id: text('Of this event.'),
    run_id: text('Of events with this `data.run_id`.'),
    status: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 599, description: 'HTTP status of the latest answer.' }),
    ),
    from: text('Owed at this instant or later; ISO 8601.'),
    to: text('Owed before this instant; ISO 8601.'),
    ...pageParameters,
  },
  { additionalProperties: false },
);

const detailSchema = Type.Object(
  {
    ...deliveryFields,
    body: Type.String({ description: 'The body that is sent, the same bytes at every attempt.' }),
    attempts: Type.Array(attemptSchema, { description: 'In the order in which they were made.' }),
  },
  { description: 'The delivery, what was sent and what came back.' },
);

/** `/deliveries`: what is owed, and what became of it. */
export function deliveryRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { store } = deps;

  app.get<{ Querystring: Static<typeof listParameters> }>('/deliveries', {
    schema: {
      tags,
      operationId: 'listDeliveries',
      summary: 'List deliveries, newest first. A page may be short, and even empty, while `next_cursor` leads on.',
      querystring: listParameters,
      response: { 200: pageOf(Type.Unsafe<unknown>({ $ref: 'Delivery#' }), 'Deliveries.') },
    },
    async handler(request) {
      const {
        webhook_id,
        state,
        event,
        event_id,
        run_id,
        status,
        from,
        to,
        limit = DEFAULT_LIMIT,
        cursor,
      } = request.query;
      const stored = state === undefined ? undefined : state === 'sending' || state === 'held' ? 'pending' : state;
      const query = {
        workspaceId: callerOf(request).workspaceId,
        ...decodeCursor(cursor, (position) => isId('del', position)),
        ...(webhook_id !== undefined && { webhookId: webhook_id }),
        ...(event_id !== undefined && { eventId: event_id }),
        ...(run_id !== undefined && { runId: run_id }),
        ...(stored !== undefined && { state: stored }),
        ...(status !== undefined && { status }),
        ...(from !== undefined && { createdFrom: parseInstant(from, 'from') }),
        ...(to !== undefined && { createdTo: parseInstant(to, 'to') }),
      };
      // The state that is shown is settled after reading, and so is the type, which the store does not select by.
      const needsLook = event !== undefined || stored === 'pending';
      const matches = (delivery: DeliveryJson) =>
        (event === undefined || delivery.event === event) && (state === undefined || delivery.state === state);
      return listDeliveries({ query, limit, matches: needsLook ? matches : null }, deps);
    },
  });

  app.get<{ Params: IdParameters }>('/deliveries/:id', {
    schema: {
      tags,
      operationId: 'getDelivery',
      summary: 'Show a delivery with its attempts: each request as it was sent, and its answer.',
      params: idOf('The delivery, del_….'),
      response: { 200: detailSchema, ...problems(404) },
    },
    async handler(request): Promise<Static<typeof detailSchema>> {
      const delivery = await findDelivery(store, callerOf(request), request.params.id);
      const { workspaceId, webhookId, id } = delivery;
      const [shown, attempts, versions, body] = await Promise.all([
        presentDelivery(delivery, deps),
        store.listAttempts(workspaceId, id),
        store.listWebhookVersions({ workspaceId, webhookId }),
        bodyOf(delivery),
      ]);
      // One that was recorded after the delivery was read would stand beside a state and a due time that it has changed.
      const presented = attempts
        .filter(({ number }) => number <= delivery.attempts)
        .map((attempt) => presentAttempt(attempt, { delivery, versions, ...sentBy(deps) }));
      return { ...shown, body, attempts: presented };
    },
  });

  async function bodyOf({ workspaceId, eventId, id: deliveryId, webhookId, payload }: Delivery): Promise<string> {
    const event = await store.getEvent(workspaceId, eventId);
    return event === null ? '' : deliveryBody({ webhookId, deliveryId, event, payload });
  }
}
