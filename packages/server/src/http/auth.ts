import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Directory } from '../store/store.ts';
import { admitReadToken, hashToken, isReadToken } from './read-token.ts';

/** On whose behalf a request acts. */
export interface Caller {
  keyId: string;
  workspaceId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

/** A key that was found counts this long without asking again: a revoked one is refused after it at the latest. */
const TTL_MS = 5_000;
const MAX_CACHED = 10_000;
const BEARER = /^bearer +([\x21-\x7e]+)$/i;

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/**
 * An `onRequest` hook that knows the caller by the bearer token, or refuses. Only keys that exist are cached. What is no key and
 * looks like the read token of a webhook gets no further than that may.
 */
export function createAuthentication({
  store,
  clock,
}: {
  store: Pick<Directory, 'findApiKey' | 'findReadToken'>;
  clock: Clock;
}): OnRequest {
  const known = new Map<string, { caller: Caller; until: number }>();

  const remember = (token: string, caller: Caller) => {
    known.delete(token);
    if (known.size >= MAX_CACHED) {
      const oldest = known.keys().next().value;
      if (oldest !== undefined) known.delete(oldest);
    }
    known.set(token, { caller, until: clock.monotonic() + TTL_MS });
  };

  return (request, _reply, done) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) {
      done(new AppError('unauthenticated', 'An API key is needed: Authorization: Bearer <api key>.'));
      return;
    }
    const cached = known.get(token);
    if (cached !== undefined && cached.until > clock.monotonic()) {
      request.caller = cached.caller;
      done();
      return;
    }
    store.findApiKey(hashToken(token)).then((key) => {
      if (key === null) {
        known.delete(token);
        if (isReadToken(token)) return admitReadToken(request, token, store).then(() => done(), done);
        done(new AppError('unauthenticated', 'This API key is not known.'));
        return;
      }
      request.caller = { keyId: key.id, workspaceId: key.workspaceId };
      remember(token, request.caller);
      done();
    }, done);
  };
}

/** Who calls. A route that forgot to authenticate refuses everybody. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new AppError('unauthenticated', 'An API key is needed.');
  return request.caller;
}
