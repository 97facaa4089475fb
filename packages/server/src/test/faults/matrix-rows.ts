import type { FailureKind } from '../../domain/attempt.ts';
import type { Fault } from './fault-proxy.ts';
import {
  answerGarbage,
  delayBy,
  dripAnswer,
  halfCloseAfterForwarding,
  holdFirstFor,
  pass,
  resetAfterForwarding,
  resetBeforeForwarding,
  swallowAnswer,
  swallowEverything,
} from './proxy-faults.ts';

/** As short as a webhook's timeout can be, seconds. */
export const TIMEOUT = 1;
/** Seconds; doubles with each retry. */
export const RETRY_DELAY = 0.5;
const LATE_MS = 150;
const DRIP_MS = 50;

/** As the API names them. */
export const PHASES = ['dns', 'connect', 'tls', 'first_byte'] as const;
type Phase = (typeof PHASES)[number];

/** Something that befalls one attempt, and what the server must make of it. */
export interface MatrixFault {
  about: string;
  fault: Fault;
  /** Default: http, and the address of the proxy. */
  origin?: 'https://localhost' | 'https://127.0.0.1';
  /** Null: delivered. Whatever else befalls an attempt here is tried again. */
  failure: FailureKind | null;
  /** The phases that are timed, with the least that each must take, seconds. */
  timing: Partial<Record<Phase, number>>;
  /** Whether the attempt lasts until the webhook's timeout. */
  usesUpTimeout?: true;
  /** Whether the receiver gets the request. */
  arrives: boolean;
}

/** When in the life of a delivery a fault comes. */
export interface Stage {
  name: string;
  /** The attempt that meets the fault; the receiver answers 503 to those before it. Attempts after it meet none. */
  attempt: number;
  /** The attempts before it have opened the circuit of its destination, so that it is the probe. */
  isProbe?: boolean;
  /** How many events each webhook is sent for its one delivery. Default 1. */
  events?: number;
  /** Event type of the delivery. Default: that of the events. */
  deliveredAs?: string;
  /** Configuration of the webhook, beside its URL and its timeout. */
  webhook: Record<string, unknown>;
  /** Seconds from the fault to the next attempt; null: there is none, the delivery is failed. */
  retryAfter: number | null;
}

/** What becomes of the delivery of a cell behind the attempt that met the fault. */
export interface NextStep {
  /** In the end; `held`: as long as anybody looks. */
  state: 'delivered' | 'failed' | 'held';
  /** Seconds until another attempt is due; null: none is. */
  wait: number | null;
  /** The other attempt is made, and meets no fault. */
  isMade: boolean;
}

/** Failures in a row that open a circuit. */
const OPENS_CIRCUIT = 5;
/** Seconds from the first probe, if it fails, to the second. */
const NEXT_PROBE_AFTER = 10;

/** What comes back closes a circuit, also where it is no HTTP. */
export function showsLife({ failure }: Pick<MatrixFault, 'failure'>): boolean {
  return failure === null || failure === 'malformed_response';
}

/** A probe that fails is not charged, so that even the last attempt of a delivery leaves it held. */
export function nextStepOf(fault: Pick<MatrixFault, 'failure'>, { isProbe = false, retryAfter }: Stage): NextStep {
  if (fault.failure === null) return { state: 'delivered', wait: null, isMade: false };
  if (isProbe && !showsLife(fault)) return { state: 'held', wait: NEXT_PROBE_AFTER, isMade: false };
  if (retryAfter === null) return { state: 'failed', wait: null, isMade: false };
  return { state: 'delivered', wait: retryAfter, isMade: true };
}

const retrying = (max_retries: number) => ({ retry_policy: { retry_delay: RETRY_DELAY, jitter: 0, max_retries } });

export const STAGES: readonly Stage[] = [
  { name: 'first attempt', attempt: 1, webhook: retrying(3), retryAfter: RETRY_DELAY },
  { name: 'retry', attempt: 2, webhook: retrying(3), retryAfter: 2 * RETRY_DELAY },
  { name: 'last retry', attempt: 2, webhook: retrying(1), retryAfter: null },
  {
    name: 'probe, the last attempt',
    attempt: OPENS_CIRCUIT + 1,
    isProbe: true,
    webhook: {
      retry_policy: { retry_delay: 0.1, exponential_backoff: false, jitter: 0, max_retries: OPENS_CIRCUIT },
    },
    retryAfter: null,
  },
];

const delivered = { failure: null, arrives: true } as const;
const late = { failure: 'timeout', usesUpTimeout: true } as const;
const secure = 'https://127.0.0.1';

export const FAULTS: readonly MatrixFault[] = [
  { about: 'none', fault: pass, ...delivered, timing: { connect: 0, first_byte: 0 } },
  {
    about: 'none, https to a name',
    fault: pass,
    origin: 'https://localhost',
    ...delivered,
    timing: { dns: 0, connect: 0, tls: 0, first_byte: 0 },
  },
  {
    about: `${LATE_MS} ms of latency each way`,
    fault: delayBy(LATE_MS),
    ...delivered,
    timing: { connect: 0, first_byte: (2 * LATE_MS) / 1000 },
  },
  {
    about: `${LATE_MS} ms of latency each way, https`,
    fault: delayBy(LATE_MS),
    origin: secure,
    ...delivered,
    timing: { connect: 0, tls: (2 * LATE_MS) / 1000, first_byte: (2 * LATE_MS) / 1000 },
  },
  { about: 'connection refused', fault: 'refused', failure: 'connection_refused', timing: {}, arrives: false },
  {
    about: 'reset before the request is forwarded',
    fault: resetBeforeForwarding,
    failure: 'connection_reset',
    timing: { connect: 0 },
    arrives: false,
  },
  {
    about: 'reset after the request was forwarded',
    fault: resetAfterForwarding,
    failure: 'connection_reset',
    timing: { connect: 0 },
    arrives: true,
  },
  {
    about: 'half-close after the request was forwarded',
    fault: halfCloseAfterForwarding,
    failure: 'connection_reset',
    timing: { connect: 0 },
    arrives: true,
  },
  { about: 'answer swallowed', fault: swallowAnswer, ...late, timing: { connect: 0 }, arrives: true },
  {
    about: `answer in bytes, one each ${DRIP_MS} ms`,
    fault: dripAnswer(DRIP_MS),
    ...late,
    timing: { connect: 0, first_byte: 0 },
    arrives: true,
  },
  { about: 'black hole', fault: swallowEverything, ...late, timing: { connect: 0 }, arrives: false },
  {
    about: 'garbage instead of an answer',
    fault: answerGarbage,
    failure: 'malformed_response',
    timing: { connect: 0, first_byte: 0 },
    arrives: false,
  },
  {
    about: `TLS handshake ${2 * LATE_MS} ms late`,
    fault: holdFirstFor(2 * LATE_MS),
    origin: secure,
    ...delivered,
    timing: { connect: 0, tls: (2 * LATE_MS) / 1000, first_byte: 0 },
  },
  {
    about: 'TLS handshake never completed',
    fault: swallowEverything,
    origin: 'https://localhost',
    ...late,
    timing: { dns: 0, connect: 0 },
    arrives: false,
  },
  {
    about: 'TLS handshake reset',
    fault: resetBeforeForwarding,
    origin: secure,
    failure: 'connection_reset',
    timing: { connect: 0 },
    arrives: false,
  },
  {
    about: 'garbage instead of a TLS handshake',
    fault: answerGarbage,
    origin: secure,
    failure: 'tls',
    timing: { connect: 0 },
    arrives: false,
  },
];
