import { catalog } from '@broxi/events';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { MAX_BATCH_ITEMS, MAX_EVENT_BYTES } from '../../publish/publish-event.ts';
import { callerOf } from '../auth.ts';
import { idempotencyHeader, idempotencyKeyOf } from '../idempotency-key.ts';
import type { AppDeps } from '../ports.ts';
import { problems } from '../problem-schema.ts';
import { publishItems } from '../publish-items.ts';
import { onlyDescribeBody } from '../request-validation.ts';

const MAX_BATCH_BYTES = 5 * 1024 * 1024;
const tags = ['Events'];

const eventInput = Type.Object(
  {
    event: Type.String({ description: 'An event type, built-in or registered.' }),
    data: Type.Object({}, { additionalProperties: true, description: 'As the schema of its type says.' }),
    timestamp: Type.Optional(
      Type.String({ format: 'date-time', description: 'When it happened; now, where it is absent.' }),
    ),
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'Makes the event idempotent, as `Idempotency-Key` does.',
      }),
    ),
  },
  { examples: [{ event: 'workflow.completed', data: catalog['workflow.completed'].sample }] },
);

const published = {
  id: Type.String({ description: 'evt_…' }),
  event: Type.String({ description: 'The event type.' }),
  deliveries: Type.Integer({ description: 'How many webhooks are owed it.' }),
  duplicate: Type.Boolean({ description: 'An earlier request with the same key recorded it.' }),
};

const batchInput = Type.Unsafe<unknown>({
  anyOf: [
    {
      type: 'object',
      required: ['events'],
      properties: { events: { type: 'array', minItems: 1, maxItems: MAX_BATCH_ITEMS, items: eventInput } },
    },
    { type: 'array', minItems: 1, maxItems: MAX_BATCH_ITEMS, items: eventInput },
  ],
  examples: [
    { events: [{ event: 'workflow.completed', data: catalog['workflow.completed'].sample, id: 'run-42-done' }] },
  ],
});

const itemErrors = Type.Array(Type.Object({ path: Type.String(), message: Type.String() }));
const batchSchema = Type.Object(
  {
    results: Type.Array(
      Type.Unsafe<unknown>({
        anyOf: [
          Type.Object({ status: Type.Unsafe<202>({ const: 202 }), ...published }),
          Type.Object({ status: Type.Integer({ enum: [409, 422] }), errors: itemErrors }),
        ],
      }),
      { description: 'One per item, in the same order.' },
    ),
    duplicate: Type.Boolean({ description: 'An earlier request with the same `Idempotency-Key` was answered so.' }),
  },
  { description: 'What is accepted is on disk, and owed.' },
);

/** The way in: what these routes accept is on disk when they answer. */
export function publishingRoutes(app: FastifyInstance, { publisher }: AppDeps): void {
  app.post('/events', {
    bodyLimit: MAX_EVENT_BYTES,
    schema: {
      tags,
      operationId: 'publishEvent',
      summary: 'Publish an event. When it is accepted, it and every delivery that it causes are on disk.',
      headers: idempotencyHeader,
      body: eventInput,
      response: {
        202: Type.Object(published, {
          description: 'Accepted.',
          examples: [
            {
              id: 'evt_0199c1a27e5b7c20a1b2c3d4e5f60718',
              event: 'workflow.completed',
              deliveries: 2,
              duplicate: false,
            },
          ],
        }),
        ...problems(409, 503),
      },
    },
    validatorCompiler: onlyDescribeBody,
    async handler(request, reply) {
      const { workspaceId } = callerOf(request);
      const idempotencyKey = idempotencyKeyOf(request);
      reply.code(202);
      return publisher.publishEvent({ workspaceId, input: request.body, idempotencyKey });
    },
  });

  app.post('/events/batch', {
    bodyLimit: MAX_BATCH_BYTES,
    config: { bodyAsBytes: true },
    schema: {
      tags,
      operationId: 'publishEvents',
      summary: 'Publish up to 1,000 events. Each is taken or refused by itself; all that are valid are one commit.',
      headers: idempotencyHeader,
      body: batchInput,
      response: { 202: batchSchema, ...problems(409, 503) },
    },
    validatorCompiler: onlyDescribeBody,
    async handler(request, reply) {
      const { workspaceId } = callerOf(request);
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const answer = await publishItems(publisher, { workspaceId, body, idempotencyKey: idempotencyKeyOf(request) });
      return reply.code(202).send(answer);
    },
  });
}
