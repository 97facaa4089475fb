import { type FastifyInstance, fastify, type RouteOptions } from 'fastify';
import { createNotFoundHandler } from './allowed-methods.ts';
import { createAuthentication } from './auth.ts';
import { DEFAULT_BODY_LIMIT, registerBodyParsers } from './body-parser.ts';
import { answerUnreadable } from './client-error.ts';
import { createErrorHandler } from './error-handler.ts';
import type { AppDeps } from './ports.ts';
import { commonProblems } from './problem-schema.ts';
import { compileValidator } from './request-validation.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { deliveryActionRoutes } from './routes/delivery-actions.ts';
import { deliveryPayloadRoutes } from './routes/delivery-payload.ts';
import { docsRoutes } from './routes/docs.ts';
import { eventTypeRoutes } from './routes/event-types.ts';
import { eventRoutes } from './routes/events.ts';
import { filterRoutes } from './routes/filters.ts';
import { jobRoutes } from './routes/jobs.ts';
import { healthRoutes, metricsRoute } from './routes/operations.ts';
import { publishingRoutes } from './routes/publishing.ts';
import { recoveryRoutes } from './routes/recovery.ts';
import { webhookActionRoutes } from './routes/webhook-actions.ts';
import { webhookRoutes } from './routes/webhooks.ts';

/** The longest path parameter, an event type's name, has at most 128 characters. */
const MAX_PATH_PARAMETER = 256;
/** How long a request may take to arrive. Without it a sender that stalls would keep its connection for ever. */
const REQUEST_TIMEOUT_MS = 60_000;
const NO_PARAMETERS = { type: 'object', additionalProperties: false, properties: {} };

/** The HTTP API, not listening yet. */
export function createApp(deps: AppDeps): FastifyInstance {
  const handleError = createErrorHandler(deps.log);
  const app = fastify({
    logger: false,
    bodyLimit: DEFAULT_BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, request, reply) => {
      handleError(error, request, reply);
    },
  });
  app.setErrorHandler(handleError);
  app.setValidatorCompiler(compileValidator);
  // Answers are small and made by presenters that the compiler checks against their schemas: nothing is to be filtered out.
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest('caller', undefined);
  app.decorateRequest('readsFor', undefined);
  registerBodyParsers(app);

  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/v1/')) describeCommon(route);
    routes.push(route);
  });
  app.setNotFoundHandler(createNotFoundHandler(routes));

  healthRoutes(app, deps);
  docsRoutes(app, routes, deps.version);
  app.register(async (withKey) => {
    withKey.addHook('onRequest', createAuthentication(deps));
    metricsRoute(withKey, deps);
    if (deps.hasApi === false) return;
    await withKey.register(
      async (v1) => {
        publishingRoutes(v1, deps);
        eventRoutes(v1, deps);
        eventTypeRoutes(v1, deps);
        webhookRoutes(v1, deps);
        webhookActionRoutes(v1, deps);
        filterRoutes(v1, deps);
        deliveryRoutes(v1, deps);
        deliveryActionRoutes(v1, deps);
        deliveryPayloadRoutes(v1, deps);
        recoveryRoutes(v1, deps);
        jobRoutes(v1, deps);
      },
      { prefix: '/v1' },
    );
  });
  return app;
}

/** What is the same for every route below `/v1`: parameters that it does not name are refused, and what that looks like. */
function describeCommon(route: RouteOptions): void {
  const response = { ...commonProblems(route.method), ...(route.schema?.response as object | undefined) };
  route.schema = { querystring: NO_PARAMETERS, ...route.schema, response };
}
