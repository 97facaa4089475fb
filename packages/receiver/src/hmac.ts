import type { SignatureEncoding } from './signature.ts';

/**
 * The one thing that differs between runtimes: HMAC-SHA256 of `prefix` followed by `body`, texts as UTF-8.
 * `#hmac` is `hmac-node.ts` under Node's conditions and `hmac-web.ts` everywhere else.
 */
export type HmacSha256 = (
  key: Uint8Array,
  prefix: string,
  body: string | Uint8Array,
  encoding: SignatureEncoding,
) => string | Promise<string>;
