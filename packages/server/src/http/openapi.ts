import { type FastifyInstance, fastify, type RouteOptions } from 'fastify';
import { deliverySchema } from './present-delivery.ts';
import { eventSchema } from './present-event.ts';
import { eventTypeSchema } from './present-event-type.ts';
import { jobSchema } from './present-job.ts';
import { problemSchema } from './problem-schema.ts';
import { webhookConfigSchema, webhookPatchSchema, webhookSchema } from './webhook-schema.ts';

const DESCRIPTION = `Takes events in, and owes each of them to every webhook that subscribed to it: signed, retried, visible.

JSON is snake_case; times are ISO 8601, UTC, with milliseconds; durations are seconds. Lists answer \`{data, next_cursor}\`.
Errors are RFC 9457 problem documents with a stable \`code\`.`;

/**
 * A second application that knows the routes only by their schemas: it makes the OpenAPI document and serves its reader.
 * Made when somebody first asks, because making it takes longer than starting the server.
 */
export async function createDocs(routes: readonly RouteOptions[], version: string): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ]);
  const docs = fastify();
  docs.setValidatorCompiler(() => () => true);
  docs.setSerializerCompiler(() => JSON.stringify);
  for (const schema of [
    problemSchema,
    webhookSchema,
    webhookConfigSchema,
    webhookPatchSchema,
    eventSchema,
    eventTypeSchema,
    deliverySchema,
    jobSchema,
  ]) {
    docs.addSchema(schema);
  }
  await docs.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Broxi Webhooks',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key.' },
          readToken: { type: 'http', scheme: 'bearer', description: 'The read token of a webhook, whr_….' },
        },
      },
      security: [{ apiKey: [] }],
    },
    // A body is always required to the generator.
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      const test = document.openapiObject.paths?.['/v1/webhooks/{id}/test']?.post;
      if (test?.requestBody !== undefined && 'required' in test.requestBody) test.requestBody.required = false;
      return document.openapiObject;
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, i) => String(schema.$id ?? `schema-${i}`) },
  });
  await docs.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { deepLinking: true } });
  for (const { method, url, schema } of routes) {
    if (method === 'HEAD' || schema === undefined || schema.hide === true) continue;
    docs.route({ method, url, schema, handler: () => {} });
  }
  await docs.ready();
  return docs;
}
