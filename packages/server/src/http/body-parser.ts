import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseJsonStrictly } from '../domain/strict-json.ts';
import { AppError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler gets the body as bytes and parses it itself. */
    bodyAsBytes?: boolean;
  }
}

/** Bodies of ordinary requests. Routes that take events have limits of their own. */
export const DEFAULT_BODY_LIMIT = 1024 * 1024;
export const MERGE_PATCH = 'application/merge-patch+json';

/**
 * The only body parsers: strict JSON, so that nothing is altered unseen. A missing body is `undefined` whatever its type, and
 * the merge-patch type of RFC 7396 is for PATCH alone. Any other type is answered 415 by Fastify, which finds no parser.
 */
export function registerBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/json', MERGE_PATCH], { parseAs: 'buffer' }, parseBody);
}

function parseBody(request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: unknown) => void): void {
  let value: unknown;
  try {
    if (request.method !== 'PATCH' && request.headers['content-type']?.startsWith(MERGE_PATCH)) {
      throw new AppError('unsupported_media_type', `${MERGE_PATCH} is for PATCH; use application/json here.`);
    }
    if (body.length > 0) value = request.routeOptions.config.bodyAsBytes ? body : parseJsonStrictly(body);
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done(null, value);
}
