import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { createDocs } from '../openapi.ts';

/** `/openapi.json`, and `/docs` to read it. Both need no network but this server. */
export function docsRoutes(app: FastifyInstance, routes: readonly RouteOptions[], version: string): void {
  let making: Promise<FastifyInstance> | undefined;
  const docs = () => {
    making ??= createDocs(routes, version);
    return making;
  };
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    const { routing } = await docs();
    reply.hijack();
    routing(request.raw, reply.raw);
  };
  const schema = { hide: true };
  app.get('/openapi.json', { schema }, async (_request, reply) => reply.send((await docs()).swagger()));
  app.get('/docs', { schema }, serve);
  app.get('/docs/*', { schema }, serve);
  app.addHook('onClose', async () => {
    await (await making)?.close();
  });
}
