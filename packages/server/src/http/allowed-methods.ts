import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { sendProblem } from './error-handler.ts';

/** Answers requests that no route takes: 405 with `Allow` where the path is known (RFC 9110 §15.5.6), 404 otherwise. */
export function createNotFoundHandler(routes: readonly Pick<RouteOptions, 'method' | 'url'>[]) {
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = new Set(routes.filter(({ url }) => matchesPath(url, path)).flatMap(({ method }) => method));
    if (allowed.size === 0) {
      return sendProblem(reply, {
        status: 404,
        code: 'not_found',
        detail: 'There is nothing at this path; see /docs.',
      });
    }
    const list = [...allowed].sort().join(', ');
    reply.header('allow', list);
    const detail = `${request.method} is not allowed here; allowed: ${list}.`;
    return sendProblem(reply, { status: 405, code: 'method_not_allowed', detail });
  };
}

function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.at(-1) !== '*' && wanted.length !== given.length) return false;
  return wanted.every((step, i) => step === '*' || step === given[i] || (step.startsWith(':') && given[i] !== ''));
}
