import type { Clock } from '../clock.ts';
import {
  type AttemptOutcome,
  type AttemptRecord,
  askedWaitMs,
  classify,
  type Exchange,
  isSuccess,
  refusesSignature,
  type SignatureScheme,
} from '../domain/attempt.ts';
import { BATCH_TYPE, readBatchData } from '../domain/batch.ts';
import { classifyBatch } from '../domain/batch-answer.ts';
import type { RetryPolicy } from '../domain/retry-policy.ts';
import { SCHEME_RECHECK_MS, signingPlan } from '../domain/signing-plan.ts';
import type { Target } from '../domain/target.ts';
import type { Destination, Webhook } from '../domain/webhook.ts';
import { newId } from '../ids.ts';
import type { QueuedDelivery } from '../store/store.ts';
import type { RequestTemplate } from './build-request.ts';
import { MAX_ANSWER_BYTES, MAX_BATCH_ANSWER_BYTES, type SendRequest } from './send-request.ts';

/** What one try needs to know; none of it changes while the try runs. */
export interface AttemptInput {
  delivery: Pick<QueuedDelivery, 'id' | 'event' | 'payload' | 'attempts'>;
  webhook: Webhook;
  template: RequestTemplate;
  policy: RetryPolicy;
  destination: Destination;
  /** The text that the attempt before had no time for; null: there was none. */
  offerFirst: SignatureScheme | null;
  /**
   * Waits until an exchange after the first one may begin, which then counts as begun.
   * @param deadline on the monotonic clock @returns false if that is not before the deadline
   */
  anotherExchange: (deadline: number) => Promise<boolean>;
}

export interface AttemptResult {
  record: AttemptRecord;
  outcome: AttemptOutcome;
  learned: Learned | null;
  /** The text that is to be offered first next time: the rate limit left no time for it; null: all were offered. */
  offerNext: SignatureScheme | null;
}

/** What an attempt tells about its destination; null where it tells nothing new. Others in the air may tell something else. */
export type Learned = Pick<Destination, 'scheme' | 'schemeLearnedAt'> | Pick<Destination, 'notBefore'>;

/**
 * One attempt: build → send → classify, with one exchange for each text that the signing plan offers until one is not
 * refused, all under one deadline. Writes nothing; never rejects.
 */
export async function attemptDelivery(
  { delivery, webhook, template, policy, destination, offerFirst, anotherExchange }: AttemptInput,
  { clock, send }: { clock: Clock; send: SendRequest },
): Promise<AttemptResult> {
  const startedAt = clock.now();
  const started = clock.monotonic();
  const deadline = started + webhook.config.timeout * 1000;
  const number = delivery.attempts + 1;
  const body = template.body(delivery);
  const isBatch = delivery.event.type === BATCH_TYPE;
  const maxAnswerBytes = isBatch ? MAX_BATCH_ANSWER_BYTES : MAX_ANSWER_BYTES;
  const exchanges: Exchange[] = [];
  let offerNext: SignatureScheme | null = null;

  const plan = signingPlan(webhook.config.signature_scheme, destination, startedAt);
  for (const scheme of offerFirst === plan[1] ? plan.toReversed() : plan) {
    if (exchanges.length > 0 && !(await anotherExchange(deadline))) {
      offerNext = scheme;
      break;
    }
    const sentAt = clock.now();
    const sent = clock.monotonic();
    const headers = template.headers({ delivery, body, attempt: number, scheme, sentAt });
    const { result, timing } = await send({ url: template.url, headers, body, deadline, maxAnswerBytes });
    exchanges.push({ scheme, secret: 0, sentAt, durationMs: Math.round(clock.monotonic() - sent), timing, result });
    if (!refusesSignature(result)) break;
  }

  const last = exchanges.at(-1);
  if (last === undefined) throw new Error('an attempt has at least one exchange');
  const plain = meantFor(template.target, classify(last.result, policy, clock.now()));
  const memberIds = () => readBatchData(delivery.event.dataText).members.map(({ id }) => id);
  const answer = isBatch ? classifyBatch(plain, last.result, memberIds) : plain;
  const outcome: AttemptOutcome = offerNext === null ? answer : cutShort(answer);
  return {
    record: {
      id: newId('att'),
      number,
      startedAt,
      durationMs: Math.round(clock.monotonic() - started),
      url: template.target.url,
      route: template.target.route,
      webhookVersion: webhook.version,
      outcome: outcome.kind,
      reason: outcome.kind === 'delivered' ? null : outcome.reason,
      exchanges: exchanges.map(shortened),
    },
    outcome,
    learned: learn({ webhook, destination, last, now: clock.now() }),
    offerNext,
  };
}

/** As much of an answer as is kept. */
function shortened(exchange: Exchange): Exchange {
  const { result } = exchange;
  if (result.kind !== 'answered' || result.body.length <= MAX_ANSWER_BYTES / LONGEST_CHARACTER) return exchange;
  const bytes = Buffer.from(result.body);
  if (bytes.length <= MAX_ANSWER_BYTES) return exchange;
  const body = bytes.subarray(0, MAX_ANSWER_BYTES).toString('utf8');
  return { ...exchange, result: { ...result, body, truncated: true } };
}

/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const LONGEST_CHARACTER = 3;

/** A fallback that is gone ends nothing but the delivery: the webhook goes on without it. */
function meantFor({ isFallback }: Target, outcome: AttemptOutcome): AttemptOutcome {
  return isFallback && outcome.kind === 'gone' ? { kind: 'permanent', reason: outcome.reason } : outcome;
}

/** It may be taken with the other signature: that is tried by the retry. */
function cutShort(answer: AttemptOutcome): AttemptOutcome {
  const refusal = answer.kind === 'delivered' ? '' : `${answer.reason}; `;
  const reason = `${refusal}the rate limit left no time to offer the other signature`;
  return { kind: 'retryable', reason, retryAfterMs: null };
}

function learn(known: { webhook: Webhook; destination: Destination; last: Exchange; now: number }): Learned | null {
  const { webhook, destination, last, now } = known;
  const waitMs = askedWaitMs(last.result, now);
  if (waitMs !== null) return { notBefore: now + waitMs };
  const tells = webhook.config.signature_scheme === 'auto' && isSuccess(last.result);
  const stale = now - destination.schemeLearnedAt >= SCHEME_RECHECK_MS;
  if (!tells || (last.scheme === destination.scheme && !(last.scheme === 'body' && stale))) return null;
  return { scheme: last.scheme, schemeLearnedAt: now };
}
