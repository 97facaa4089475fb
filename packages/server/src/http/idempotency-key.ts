import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { InvalidFieldsError } from '../errors.ts';

/** Printable ASCII. */
const KEY = /^[\x20-\x7e]{1,255}$/;

export const idempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        '1 to 255 printable ASCII characters. The same key with the same body within 24 hours gets the first answer again, with another body 409.',
    }),
  ),
});

/** The `Idempotency-Key` header, or null. @throws InvalidFieldsError */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new InvalidFieldsError([{ path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }]);
}
