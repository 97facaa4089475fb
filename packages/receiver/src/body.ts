import { InvalidOptionError } from './errors.ts';

/** @throws InvalidOptionError unless `body` is text or bytes: a parsed object no longer tells which bytes were sent. */
export function checkBody(body: string | Uint8Array): void {
  if (typeof body === 'string' || isBytes(body)) return;
  throw new InvalidOptionError(
    'body',
    'must be the raw body as a string or Uint8Array, not parsed JSON; with Express use express.raw({ type: "application/json" }), with fetch await request.text()',
  );
}

/** Unlike `instanceof`, this also knows the bytes of another realm, such as a test runner's sandbox. */
function isBytes(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}
