import { createHmac } from 'node:crypto';
import type { ExchangeResult, FailureKind, SignatureScheme } from '../../domain/attempt.ts';
import type { Chance } from './chance.ts';

/** What a receiver does for a while. */
export type Mood =
  | 'well'
  | 'slow'
  | 'hangs'
  | 'drips'
  | 'fails'
  | 'flaps'
  | 'unreachable'
  | 'talks nonsense'
  | 'rate-limits'
  | 'asks for a wait'
  | 'does not know it'
  | 'gone'
  | 'picks'
  | 'our trouble';

/** What comes back for a request; null: nothing before the deadline. */
export interface Reaction {
  afterMs: number;
  result: ExchangeResult | null;
}

export const MOODS: readonly [Mood, ...Mood[]] = [
  ...(['well', 'slow', 'hangs', 'drips', 'fails', 'flaps', 'unreachable', 'talks nonsense'] as const),
  ...([
    'rate-limits',
    'asks for a wait',
    'does not know it',
    'gone',
    'picks',
    'picks',
    'picks',
    'our trouble',
  ] as const),
];

/** The host of a webhook's fallback, whose receiver is another one. */
export function fallbackHost(host: string): string {
  return `fallback.${host}`;
}

const NETWORK = ['connection_refused', 'connection_reset', 'dns', 'tls', 'network'] as const;
const OURS = ['resolver', 'unreachable', 'out_of_sockets', 'proxy'] as const;

/** A receiver on virtual time: a mood that changes, and the signature that it checks. */
export class Receiver {
  mood: Mood = 'well';
  /** Null: it takes both. */
  readonly checks: SignatureScheme | null;
  readonly #chance: Chance;

  constructor(checks: SignatureScheme | null, chance: Chance) {
    this.checks = checks;
    this.#chance = chance;
  }

  /** @param members of a batch; null: it is none */
  react(scheme: SignatureScheme, now: number, members: readonly string[] | null): Reaction {
    const chance = this.#chance;
    const soon = chance.between(1, 50);
    switch (this.mood) {
      case 'hangs':
        return { afterMs: 0, result: null };
      case 'drips':
        return chance.happens(0.5)
          ? { afterMs: 0, result: null }
          : { afterMs: chance.between(500, 20_000), result: this.#answer(scheme) };
      case 'slow':
        return { afterMs: chance.between(500, 8_000), result: this.#answer(scheme) };
      case 'well':
        return { afterMs: soon, result: this.#answer(scheme) };
      case 'flaps':
        return { afterMs: soon, result: chance.happens(0.5) ? status(500) : this.#answer(scheme) };
      case 'fails':
        return { afterMs: soon, result: status(chance.pick([500, 502, 503, 504, 408])) };
      case 'unreachable':
        return { afterMs: soon, result: failed(chance.pick(NETWORK)) };
      case 'talks nonsense':
        return { afterMs: soon, result: failed('malformed_response') };
      case 'our trouble':
        return { afterMs: soon, result: failed(chance.pick(OURS)) };
      case 'rate-limits':
        return { afterMs: soon, result: status(429) };
      case 'asks for a wait': {
        const seconds = chance.between(1, 300);
        const asked = chance.happens(0.5) ? String(seconds) : new Date(now + seconds * 1000).toUTCString();
        return { afterMs: soon, result: status(chance.pick([429, 503]), ['Retry-After', asked]) };
      }
      case 'does not know it':
        return {
          afterMs: soon,
          result: chance.happens(0.2) ? failed('address_refused') : status(chance.pick([404, 422, 302])),
        };
      case 'gone':
        return { afterMs: soon, result: status(410) };
      case 'picks':
        return { afterMs: soon, result: this.#pick(scheme, members) };
    }
  }

  /** Takes a batch in part, or says about it what cannot be relied on. Some members never get through. */
  #pick(scheme: SignatureScheme, members: readonly string[] | null): ExchangeResult {
    const chance = this.#chance;
    const answer = this.#answer(scheme);
    const isTaken = answer.kind === 'answered' && answer.status < 300;
    if (members === null || !isTaken) return answer;
    const some = members.filter((id) => id.endsWith('0') || chance.happens(0.3));
    const list = (ids: readonly string[]) => JSON.stringify({ failed: ids });
    return chance.weighed<ExchangeResult>([
      [3, status(200, [], list(members.filter((id) => /[02468]$/.test(id))))],
      [3, status(202, [], list(some))],
      [2, status(413)],
      [1, status(200, [], list([...some, 'del_unknown']))],
      [1, status(200, [], list(members).slice(0, chance.between(10, list(members).length - 1)))],
      [1, answer],
    ]);
  }

  #answer(scheme: SignatureScheme): ExchangeResult {
    const refused = this.checks !== null && this.checks !== scheme;
    return status(refused ? this.#chance.pick([400, 401, 403]) : this.#chance.pick([200, 202, 204]));
  }
}

export const NO_ANSWER: ExchangeResult = failed('timeout');

function status(code: number, headers: readonly string[] = [], body = ''): ExchangeResult {
  return { kind: 'answered', status: code, headers, body, truncated: false };
}

function failed(failure: FailureKind): ExchangeResult {
  return { kind: 'failed', failure, message: 'simulated' };
}

/** Which of the two texts was signed, with one of these secrets; null: neither. Made apart from what the server signs with. */
export function signedText(
  request: { body: string; timestamp: string; signature: string },
  secret: string,
): SignatureScheme | null {
  const { body, timestamp, signature } = request;
  const sign = (text: string) => createHmac('sha256', secret).update(text).digest('hex');
  if (signature === sign(`${timestamp}.${body}`)) return 'timestamped';
  return signature === sign(body) ? 'body' : null;
}
