import type { Clock } from '../clock.ts';
import type { ExchangeResult } from '../domain/attempt.ts';
import { NO_TIMING } from './exchange-timing.ts';
import type { OutgoingRequest, SendRequest } from './send-request.ts';

/** A request that was sent. */
export interface SentRequest {
  /** Milliseconds since the epoch. */
  at: number;
  host: string;
  body: string;
  /** By name as it was sent. */
  headers: Readonly<Record<string, string>>;
  deliveryId: string;
  /** Answers a request that hangs. */
  answer(result: ExchangeResult): void;
}

/** What a receiver does with a request: answers, at once or after a while, or says nothing until the deadline. */
export type Behaviour = (request: SentRequest) => ExchangeResult | { afterMs: number; result: ExchangeResult } | 'hang';

/** Receivers on virtual time, told apart by their host. */
export interface FakeSend {
  send: SendRequest;
  /** In the order of their sending. */
  readonly requests: SentRequest[];
  /** Default: every host answers 204 at once. */
  behave(host: string, behaviour: Behaviour): void;
  /** Requests without an answer now, and the most that ever were, for one host or for all. */
  inTheAir(host?: string): { now: number; most: number };
  /** Ids of deliveries sent to a host, in order. */
  sentTo(host: string): string[];
}

export function answered(status: number, headers: readonly string[] = [], body = ''): ExchangeResult {
  return { kind: 'answered', status, headers, body, truncated: false };
}

export function createFakeSend(clock: Clock): FakeSend {
  const requests: SentRequest[] = [];
  const behaviours = new Map<string, Behaviour>();
  const air = new Map<string, { now: number; most: number }>();
  const count = (name: string, change: 1 | -1) => {
    const counted = air.get(name) ?? { now: 0, most: 0 };
    counted.now += change;
    counted.most = Math.max(counted.most, counted.now);
    air.set(name, counted);
  };

  const exchange = ({ url, headers, body, deadline }: OutgoingRequest, done: (result: ExchangeResult) => void) => {
    const byName = Object.fromEntries(pairs(headers));
    let open = true;
    const cancelDeadline = clock.after(deadline - clock.monotonic(), () =>
      answer({ kind: 'failed', failure: 'timeout', message: 'no answer within the timeout' }),
    );
    const answer = (result: ExchangeResult) => {
      if (!open) return;
      open = false;
      cancelDeadline();
      count(url.host, -1);
      count(ALL, -1);
      done(result);
    };
    const deliveryId = byName['x-broxi-delivery-id'] ?? '';
    const request = { at: clock.now(), host: url.host, body, headers: byName, deliveryId, answer };
    requests.push(request);
    count(url.host, 1);
    count(ALL, 1);
    const reaction = behaviours.get(url.host)?.(request) ?? answered(204);
    if (reaction === 'hang') return;
    if ('afterMs' in reaction) clock.after(reaction.afterMs, () => answer(reaction.result));
    else answer(reaction);
  };

  return {
    send: (request) => new Promise((resolve) => exchange(request, (result) => resolve({ result, timing: NO_TIMING }))),
    requests,
    behave: (host, behaviour) => void behaviours.set(host, behaviour),
    inTheAir: (host = ALL) => air.get(host) ?? { now: 0, most: 0 },
    sentTo: (host) => requests.filter((request) => request.host === host).map(({ deliveryId }) => deliveryId),
  };
}

const ALL = '*';

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : []));
}
