import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { ConflictError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { Delivery } from '../../store/store.ts';
import { type Caller, callerOf } from '../auth.ts';
import { findDelivery } from '../find-delivery.ts';
import { type IdParameters, idOf } from '../paging.ts';
import type { AppDeps } from '../ports.ts';
import { type DeliveryJson, presentDelivery } from '../present-delivery.ts';
import { problems } from '../problem-schema.ts';

const tags = ['Deliveries'];
const params = idOf('The delivery, del_….');
const answer = (description: string) => Type.Unsafe<DeliveryJson>({ $ref: 'Delivery#', description });

/** What can be done with a delivery: try it again, give it up, send it once more. */
export function deliveryActionRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { store, engine, workspaces } = deps;

  app.post<{ Params: IdParameters }>('/deliveries/:id/retry', {
    schema: {
      tags,
      operationId: 'retryDelivery',
      summary: 'Try a failed or cancelled delivery again: a fresh schedule, the same delivery id.',
      params,
      response: { 202: answer('It waits again.'), ...problems(404, 409, 503) },
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const delivery = await findDelivery(store, caller, request.params.id);
      const { id, state } = delivery;
      assertNotMember(delivery, 'retried');
      if (state === 'delivered') throw conflict(`Delivery ${id} was delivered; replay it to send its event once more.`);
      if (state === 'pending') throw conflict(`Delivery ${id} still waits, and is sent by itself when it is due.`);
      await assertSendable(delivery);
      if (!(await store.requeue(laneOf(delivery), id))) {
        const by = delivery.origin === 'batch' ? ', or its members went on in other batches' : '';
        throw conflict(`Delivery ${id} was put back by somebody else${by}.`);
      }
      return reply.code(202).send(await show(caller, id));
    },
  });

  app.post<{ Params: IdParameters }>('/deliveries/:id/cancel', {
    schema: {
      tags,
      operationId: 'cancelDelivery',
      summary: 'Give up a delivery that waits, or one that failed and may block its run.',
      params,
      response: { 200: answer('It is cancelled.'), ...problems(404, 409, 503) },
    },
    async handler(request) {
      const caller = callerOf(request);
      const delivery = await findDelivery(store, caller, request.params.id);
      const { workspaceId, webhookId, id, state } = delivery;
      assertNotMember(delivery, 'cancelled');
      if (state !== 'pending' && state !== 'failed') throw isOver(id, state);
      const outcome = await engine.cancelDelivery(workspaceId, webhookId, id);
      if (outcome === 'sending')
        throw conflict(`Delivery ${id} is being sent at this moment; look again when it is over.`);
      if (outcome === 'missing' && state === 'failed') throw isOver(id, state);
      const now = await show(caller, id);
      if (outcome === 'missing') throw conflict(`Delivery ${id} could not be cancelled: it is ${now.state} by now.`);
      return now;
    },
  });

  app.post<{ Params: IdParameters }>('/deliveries/:id/replay', {
    schema: {
      tags,
      operationId: 'replayDelivery',
      summary: 'Send the event of a delivery that is over once more, as a new delivery with a new id.',
      params,
      response: { 202: answer('The new delivery.'), ...problems(404, 409, 503) },
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const delivery = await findDelivery(store, caller, request.params.id);
      const { id, state } = delivery;
      const waits = `Delivery ${id} still waits; only what is over can be replayed.`;
      if ((delivery.batch?.state ?? state) === 'pending') throw conflict(waits);
      await assertSendable(delivery);
      const newDeliveryId = newId('del');
      if (!(await store.replay(laneOf(delivery), id, newDeliveryId))) throw conflict(waits);
      reply.header('location', `/v1/deliveries/${newDeliveryId}`);
      return reply.code(202).send(await show(caller, newDeliveryId));
    },
  });

  async function assertSendable({ workspaceId, webhookId, origin }: Delivery): Promise<void> {
    if (origin === 'test')
      throw conflict(`A test is not sent again; start another: POST /v1/webhooks/${webhookId}/test.`);
    if ((await workspaces.get(workspaceId)).webhooks.has(webhookId)) return;
    throw conflict(`Webhook ${webhookId} was deleted, so nothing can be sent to it.`);
  }

  async function show(caller: Caller, deliveryId: string): Promise<DeliveryJson> {
    return presentDelivery(await findDelivery(store, caller, deliveryId), deps);
  }
}

/** What a member shares with its batch is done to the batch. */
function assertNotMember({ id, batch }: Delivery, done: string): void {
  if (batch === null) return;
  const whole = `the whole batch can be ${done}`;
  throw conflict(`Delivery ${id} is a member of batch ${batch.id}, which is ${batch.state}: only ${whole}.`);
}

function laneOf({ workspaceId, webhookId }: Delivery) {
  return { workspaceId, webhookId };
}

function isOver(id: string, state: string): ConflictError {
  return conflict(`Delivery ${id} is over: it is ${state}.`);
}

function conflict(message: string): ConflictError {
  return new ConflictError('conflict', message);
}
