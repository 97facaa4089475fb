import { hash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Lane } from '../domain/webhook.ts';
import { AppError } from '../errors.ts';
import type { Directory, ReadToken } from '../store/store.ts';

/** Tells a read token from an API key, before it is known to anybody. */
const PREFIX = 'whr_';
const TOKEN_BYTES = 32;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route may be asked with the read token of a webhook, in place of an API key. */
    takesReadToken?: boolean;
  }
  interface FastifyRequest {
    /** The webhook whose read token the request carries. Not a caller: routes that ask for one refuse it. */
    readsFor: Lane | undefined;
  }
}

export function newReadToken(): ReadToken {
  const token = `${PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  return { token, hash: hashToken(token) };
}

/** What keys and tokens are found by: SHA-256, hexadecimal. They are random, so it needs no salt, and the search tells nothing. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

export function isReadToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Lets a read token in where the route takes one. Never cached: one that was replaced, or whose webhook was deleted, is
 * refused at once.
 * @throws AppError('unauthenticated')
 */
export async function admitReadToken(
  request: FastifyRequest,
  token: string,
  store: Pick<Directory, 'findReadToken'>,
): Promise<void> {
  if (request.routeOptions.config.takesReadToken !== true) {
    throw new AppError(
      'unauthenticated',
      'A read token (whr_…) is for GET /v1/deliveries/{id}/payload alone; an API key is needed here.',
    );
  }
  const lane = await store.findReadToken(hashToken(token));
  if (lane === null) {
    throw new AppError('unauthenticated', 'This read token is not known: it was replaced, or its webhook was deleted.');
  }
  request.readsFor = lane;
}
