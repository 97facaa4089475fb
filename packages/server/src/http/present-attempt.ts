import { headerNames, standardHeaderNames } from '@broxi/receiver';
import Type, { type Static } from 'typebox';
import type { AttemptRecord, Exchange } from '../domain/attempt.ts';
import { directionOf, targetOf } from '../domain/target.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { Delivery } from '../store/store.ts';
import { instantSchema, optionalIntegerSchema, optionalStringSchema, presentInstant } from './instant.ts';
import { MASK } from './mask.ts';

const headerListSchema = Type.Array(Type.Object({ name: Type.String(), value: Type.String() }));
const secondsSchema = Type.Number({ description: 'Seconds.' });

const phaseSchema = (description: string) => ({ type: ['number', 'null'], description });

const exchangeSchema = Type.Object({
  sent_at: instantSchema('When it was sent; its whole seconds are the signed time.'),
  duration: secondsSchema,
  timing: Type.Unsafe<TimingJson | null>({
    type: ['object', 'null'],
    required: ['dns', 'connect', 'tls', 'first_byte', 'total'],
    properties: {
      dns: phaseSchema('Until the host name was resolved.'),
      connect: phaseSchema('From there until the TCP connection was made.'),
      tls: phaseSchema('From there until the TLS handshake was over.'),
      first_byte: phaseSchema('From the request until the first byte of the answer.'),
      total: { type: 'number', description: 'The whole exchange: `duration`.' },
    },
    description:
      'Seconds. A phase is null where it did not happen (a connection that was used before needs none of the first three, an IP address no look-up, http no TLS) or was not completed: what it took is part of the total then. The whole is null where nothing was measured.',
    examples: [{ dns: 0.004, connect: 0.021, tls: 0.043, first_byte: 0.112, total: 0.181 }],
  }),
  signature_scheme: Type.Enum(['timestamped', 'body'], { description: 'The text that the prefixed signature covers.' }),
  request: Type.Object(
    { method: Type.Enum(['POST']), url: Type.String(), headers: headerListSchema },
    { description: 'As it was sent; signatures and the values of own headers are masked.' },
  ),
  response: Type.Unsafe<ResponseJson | null>({
    type: ['object', 'null'],
    required: ['status', 'headers', 'body', 'truncated'],
    properties: {
      status: { type: 'integer' },
      headers: headerListSchema,
      body: { type: 'string', description: 'Its first bytes, read as UTF-8.' },
      truncated: { type: 'boolean', description: 'The answer went on behind what was read.' },
    },
    description: 'Null: there was no answer.',
  }),
  failure: Type.Unsafe<{ kind: string; message: string } | null>({
    type: ['object', 'null'],
    required: ['kind', 'message'],
    properties: { kind: { type: 'string' }, message: { type: 'string' } },
    description: 'Why there was no answer.',
  }),
});

export const attemptSchema = Type.Object({
  id: Type.String({ description: 'att_…' }),
  number: Type.Integer({ description: '1, 2, …' }),
  started_at: instantSchema('When it began.'),
  duration: secondsSchema,
  webhook_version: Type.Integer({ description: 'The version of the webhook that it was made with.' }),
  route: optionalIntegerSchema(
    'The `id` of the route that it went; null: the `url` of the webhook, or its `fallback_url`.',
  ),
  outcome: Type.Enum(['delivered', 'partly_delivered', 'retryable', 'permanent', 'too_large', 'gone', 'own_failure'], {
    description:
      'What it came to. partly_delivered: a batch, of which its receiver named members that failed. too_large: a batch that is split, because its receiver answered 413. gone: 410, which disables the webhook (from its `fallback_url` it is permanent). own_failure: it never got as far as the receiver. Neither of these uses up a retry.',
  }),
  reason: optionalStringSchema('Why it did not succeed.'),
  exchanges: Type.Array(exchangeSchema, {
    description: 'Its HTTP requests: more than one where a signature was refused.',
  }),
});

interface TimingJson {
  dns: number | null;
  connect: number | null;
  tls: number | null;
  first_byte: number | null;
  total: number;
}

interface ResponseJson {
  status: number;
  headers: { name: string; value: string }[];
  body: string;
  truncated: boolean;
}

/** What the headers of a request are made of, beside the attempt. */
export interface SentBy {
  delivery: Pick<Delivery, 'id' | 'webhookId' | 'eventId' | 'eventType'>;
  /** Of the webhook, in any order; the own headers are those of the version that the attempt was made with. */
  versions: readonly Webhook[];
  headerPrefix: string;
  userAgent: string;
}

export function presentAttempt(attempt: AttemptRecord, sentBy: SentBy): Static<typeof attemptSchema> {
  return {
    id: attempt.id,
    number: attempt.number,
    started_at: presentInstant(attempt.startedAt),
    duration: attempt.durationMs / 1000,
    webhook_version: attempt.webhookVersion,
    route: attempt.route,
    outcome: attempt.outcome,
    reason: attempt.reason,
    exchanges: attempt.exchanges.map((exchange) => ({
      sent_at: presentInstant(exchange.sentAt),
      duration: exchange.durationMs / 1000,
      timing: presentTiming(exchange),
      signature_scheme: exchange.scheme,
      request: { method: 'POST', url: attempt.url, headers: sentHeaders(attempt, exchange, sentBy) },
      ...presentResult(exchange),
    })),
  };
}

function presentTiming({ timing, durationMs }: Exchange): TimingJson | null {
  if (timing === undefined) return null;
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1000);
  return {
    dns: seconds(timing.dnsMs),
    connect: seconds(timing.connectMs),
    tls: seconds(timing.tlsMs),
    first_byte: seconds(timing.firstByteMs),
    total: durationMs / 1000,
  };
}

function presentResult({ result }: Exchange): Pick<Static<typeof exchangeSchema>, 'response' | 'failure'> {
  if (result.kind === 'failed') return { response: null, failure: { kind: result.failure, message: result.message } };
  const headers: ResponseJson['headers'] = [];
  for (let i = 0; i + 1 < result.headers.length; i += 2) {
    headers.push({ name: result.headers[i] ?? '', value: result.headers[i + 1] ?? '' });
  }
  return {
    response: { status: result.status, headers, body: result.body, truncated: result.truncated },
    failure: null,
  };
}

/** The headers of a request, which are not kept: all of them follow from what is. Signatures and own values are masked. */
function sentHeaders(attempt: AttemptRecord, exchange: Exchange, sentBy: SentBy): { name: string; value: string }[] {
  const { delivery, versions, headerPrefix, userAgent } = sentBy;
  const names = headerNames(headerPrefix);
  const timestamp = String(Math.floor(exchange.sentAt / 1000));
  const config = versions.find(({ version }) => version === attempt.webhookVersion)?.config;
  const own = config === undefined ? {} : targetOf(config, directionOf(attempt, config)).headers;
  const headers: [name: string, value: string][] = [
    ['content-type', 'application/json'],
    ['user-agent', userAgent],
    [names.event, delivery.eventType],
    [names.eventId, delivery.eventId],
    [names.webhookId, delivery.webhookId],
    [names.deliveryId, delivery.id],
    [names.attempt, String(attempt.number)],
    // W3C Trace Context, made from our ids: the trace is the event, the span the delivery.
    ['traceparent', `00-${delivery.eventId.slice(-32)}-${delivery.id.slice(-16)}-01`],
    [names.timestamp, timestamp],
    [names.signature, MASK],
    [standardHeaderNames.id, delivery.id],
    [standardHeaderNames.timestamp, timestamp],
    [standardHeaderNames.signature, MASK],
    ...Object.keys(own).map((name): [string, string] => [name, MASK]),
  ];
  return headers.map(([name, value]) => ({ name, value }));
}
