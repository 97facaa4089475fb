import { checkBody } from './body.ts';
import type { SchemeContext } from './check-scheme.ts';
import { InvalidOptionError } from './errors.ts';
import { headerNames } from './header-names.ts';
import { headerReader, type RequestHeaders } from './request-headers.ts';
import { parseSecret, parseSecrets, type Secret } from './secret.ts';
import { type Scheme, schemes } from './signature.ts';

export type VerifyOptions = {
  /** The raw body as it was received. Bytes are safest; never what a JSON parser made of it. */
  body: string | Uint8Array;
  headers: RequestHeaders;
  /** How far the signed time may be from ours, either way, in seconds. Default 300. `Infinity` gives up protection from replays. */
  toleranceSeconds?: number | undefined;
  /** The time in milliseconds since the Unix epoch. Default `Date.now`. */
  now?: (() => number) | undefined;
  /** The sender's setting. Default `X-Broxi-`. */
  headerPrefix?: string | undefined;
  /**
   * Which schemes will do. Default `standard` and `timestamped`. `body` has to be asked for: it signs no time, so whoever
   * records one request can send it again for ever. Whatever the order given, `standard` is tried first and `body` last.
   */
  accept?: readonly Scheme[] | undefined;
} & (
  | { secret: string; secrets?: undefined }
  /** Several while a rotation lasts; each of them will do. */
  | { secrets: readonly string[]; secret?: undefined }
);

type ReadOptions = Omit<SchemeContext, 'hmac'> & {
  /** At least one, the preferred one first. */ accept: readonly Scheme[];
};

/** @throws InvalidOptionError that names the option at fault. */
export function readVerifyOptions(options: VerifyOptions): ReadOptions {
  const { body, headers, toleranceSeconds = 300, now = Date.now } = options;
  checkBody(body);
  if (typeof headers !== 'object' || headers === null) {
    throw new InvalidOptionError('headers', "must be the request's Headers or an object of header values by name");
  }
  if (typeof toleranceSeconds !== 'number' || !(toleranceSeconds >= 0)) {
    throw new InvalidOptionError('toleranceSeconds', 'must be a number of seconds, 0 or more');
  }
  const nowSeconds = Math.floor(now() / 1000);
  if (!Number.isFinite(nowSeconds)) throw new InvalidOptionError('now', 'must give milliseconds since the Unix epoch');
  const { secrets, secretTexts } = readSecrets(options);
  return {
    accept: readAccept(options.accept),
    body,
    header: headerReader(headers),
    names: headerNames(options.headerPrefix),
    secrets,
    secretTexts,
    nowSeconds,
    toleranceSeconds,
  };
}

function readSecrets({ secret, secrets }: VerifyOptions): {
  secrets: readonly Secret[];
  secretTexts: readonly string[];
} {
  if (secrets !== undefined) {
    if (secret !== undefined) throw new InvalidOptionError('secrets', 'must not be given together with secret');
    return { secrets: parseSecrets(secrets), secretTexts: secrets };
  }
  const parsed = parseSecret(secret);
  if (!parsed.ok) throw new InvalidOptionError('secret', parsed.message);
  return { secrets: [parsed.secret], secretTexts: [secret] };
}

function readAccept(accept: readonly Scheme[] = ['standard', 'timestamped']): readonly Scheme[] {
  if (!Array.isArray(accept) || accept.length === 0 || !accept.every((scheme) => schemes.includes(scheme))) {
    throw new InvalidOptionError('accept', `must be an array with at least one of ${schemes.join(', ')}`);
  }
  return schemes.filter((scheme) => accept.includes(scheme));
}
