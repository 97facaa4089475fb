import { catalog } from '@broxi/events';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { deliveryBody } from '../../domain/delivery-body.ts';
import { NotFoundError } from '../../errors.ts';
import type { Delivery } from '../../store/store.ts';
import { callerOf } from '../auth.ts';
import { findDelivery } from '../find-delivery.ts';
import { instantSchema } from '../instant.ts';
import { type IdParameters, idOf } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { problems } from '../problem-schema.ts';

const payloadSchema = Type.Object(
  {
    event: Type.String({ description: 'The event type.' }),
    timestamp: instantSchema('When it happened.'),
    webhook_id: Type.String(),
    delivery_id: Type.String(),
    data: Type.Object({}, { additionalProperties: true, description: 'All of it, as it was published.' }),
  },
  {
    description: 'The body that a full delivery has, byte for byte.',
    examples: [
      {
        event: 'workflow.completed',
        timestamp: '2026-01-15T10:30:00.123Z',
        webhook_id: 'wh_0198c0de5f7a7c3e9d2b4a6f8e1c3d5b',
        delivery_id: 'del_0198c0de6a117f0c8b3d5e7f9a1b2c3d',
        data: catalog['workflow.completed'].sample,
      },
    ],
  },
);

/** `/deliveries/{id}/payload`: what receivers of thin bodies fetch. */
export function deliveryPayloadRoutes(app: FastifyInstance, { store }: AppDeps): void {
  app.get<{ Params: IdParameters }>('/deliveries/:id/payload', {
    config: { takesReadToken: true },
    schema: {
      tags: ['Deliveries'],
      operationId: 'getDeliveryPayload',
      summary:
        'Fetch the whole payload of a delivery, thin or full: with an API key, or the read token of its webhook.',
      security: [{ apiKey: [] }, { readToken: [] }],
      params: idOf('The delivery, del_….'),
      response: { 200: payloadSchema, ...problems(404) },
    },
    async handler(request, reply) {
      const { workspaceId, id: deliveryId, webhookId, eventId } = await findReadable(request);
      const event = await store.getEvent(workspaceId, eventId);
      // Retention took it between the two looks.
      if (event === null) throw new NotFoundError(`delivery ${deliveryId}`);
      reply.header('content-type', 'application/json').header('cache-control', 'no-store');
      return reply.send(Buffer.from(deliveryBody({ webhookId, deliveryId, event, payload: 'full' })));
    },
  });

  /** To a read token, what is of other webhooks is not there. */
  async function findReadable(request: FastifyRequest<{ Params: IdParameters }>): Promise<Delivery> {
    const { id } = request.params;
    const { readsFor } = request;
    const delivery = await findDelivery(store, readsFor ?? callerOf(request), id);
    if (readsFor !== undefined && delivery.webhookId !== readsFor.webhookId) throw new NotFoundError(`delivery ${id}`);
    return delivery;
  }
}
