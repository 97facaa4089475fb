import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { AppError } from '../../errors.ts';
import type { AppDeps } from '../ports.ts';
import { problems } from '../problem-schema.ts';
import { renderMetrics } from '../render-metrics.ts';

const tags = ['Operations'];
const state = (description: string) => Type.Object({ status: Type.Enum(['ok']) }, { description });

/** For load balancers: no key needed. */
export function healthRoutes(app: FastifyInstance, { isReady }: AppDeps): void {
  app.get('/healthz', {
    schema: {
      tags,
      operationId: 'getLiveness',
      summary: 'Whether the process answers.',
      security: [],
      response: { 200: state('It does.') },
    },
    handler: async () => ({ status: 'ok' }),
  });

  app.get('/readyz', {
    schema: {
      tags,
      operationId: 'getReadiness',
      summary: 'Whether events can be taken now.',
      security: [],
      response: { 200: state('They can.'), ...problems(503) },
    },
    async handler() {
      if (!isReady())
        throw new AppError('store_unavailable', 'Events cannot be taken now: the server is starting or stopping.');
      return { status: 'ok' };
    },
  });
}

/** For Prometheus, behind a key. */
export function metricsRoute(app: FastifyInstance, { store }: AppDeps): void {
  app.get('/metrics', {
    schema: {
      tags,
      operationId: 'getMetrics',
      summary: 'Counters in the Prometheus text format.',
      response: {
        200: { description: 'Prometheus text format 0.0.4.', content: { 'text/plain': { schema: Type.String() } } },
        ...problems(401),
      },
    },
    async handler(_request, reply) {
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(renderMetrics(await store.counters()));
    },
  });
}
