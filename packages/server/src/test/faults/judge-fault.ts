import { type MatrixFault, nextStepOf, PHASES, type Stage, showsLife, TIMEOUT } from './matrix-rows.ts';
import type { VerifiedRequest } from './receiver.ts';

/** The fields of an attempt in `GET /v1/deliveries/{id}` that are looked at. */
export interface AttemptJson {
  number: number;
  started_at: string;
  /** Seconds. */
  duration: number;
  outcome: string;
  exchanges: {
    /** Seconds. */
    timing: Record<(typeof PHASES)[number], number | null> & { total: number };
    failure: { kind: string } | null;
  }[];
}

/** All that is known of one delivery once it is over: from the server, the proxy and the receiver. */
export interface FaultHistory {
  state: string;
  attempts: readonly AttemptJson[];
  /** When the attempt behind the fault was due, as the API said while the delivery waited; null: it never waited. */
  dueAt: string | null;
  /** Whether the circuit of the destination is open in the end, and when it is probed then. */
  circuit: { state: string; next_probe_at: string | null };
  /** Of the proxy. */
  reached: readonly boolean[];
  /** What the receiver got of this webhook, in order. */
  requests: readonly VerifiedRequest[];
  deliveryId: string;
}

/** Timers and rounding may end a phase or a wait this much sooner, seconds. */
const SOONER = 0.01;
/** What a loaded machine may add, seconds. */
const LATER = 1.5;
/** How much later than the end of an attempt its outcome may be decided, seconds. */
const DECIDED_LATER = 0.4;

/** @returns one sentence about each thing that is not as it must be */
export function judgeFault(expected: MatrixFault, stage: Stage, history: FaultHistory): string[] {
  const { attempts, state, circuit, reached, requests, dueAt, deliveryId } = history;
  const attempt = attempts[stage.attempt - 1];
  const exchange = attempt?.exchanges[0];
  if (attempt === undefined || exchange === undefined) return [`attempt ${stage.attempt} was not made`];
  const wrong: string[] = [];
  const check = (what: string, found: unknown, wanted: unknown) => {
    if (String(found) !== String(wanted)) wrong.push(`${what}: ${found} instead of ${wanted}`);
  };
  const following = nextStepOf(expected, stage);
  const made = stage.attempt + (following.isMade ? 1 : 0);

  check('outcome', attempt.outcome, expected.failure === null ? 'delivered' : 'retryable');
  check('failure', exchange.failure?.kind ?? null, expected.failure);
  check('exchanges', attempt.exchanges.length, 1);
  check('attempts', attempts.length, made);
  check('in the end', state, following.state);
  check('connections that came to their fault', reached.join(), Array(made).fill(true).join());
  const arrived = attempts.map(({ number }) => number).filter((n) => n !== stage.attempt || expected.arrives);
  check('requests received, by attempt', requests.map((request) => request.attempt).join(), arrived.join());
  check('delivery ids', new Set([deliveryId, ...requests.map((request) => request.deliveryId)]).size, 1);
  check('different bodies', new Set(requests.map(({ digest }) => digest)).size, Math.min(1, requests.length));

  const { timing } = exchange;
  for (const phase of PHASES) {
    const [took, least] = [timing[phase], expected.timing[phase]];
    if (least === undefined) check(phase, took, null);
    else if (took === null || took < least - SOONER || took > least + LATER)
      wrong.push(`${phase}: ${took} s instead of at least ${least} s`);
  }
  const sum = PHASES.reduce((total, phase) => total + (timing[phase] ?? 0), 0);
  if (sum > timing.total + SOONER) wrong.push(`phases of ${sum} s in an exchange of ${timing.total} s`);
  if (expected.usesUpTimeout ? timing.total < TIMEOUT - SOONER : timing.total >= TIMEOUT)
    wrong.push(`it was over after ${timing.total} s`);
  if (timing.total > TIMEOUT + LATER) wrong.push(`it took ${timing.total} s`);

  const wait = waitSeconds(attempt, dueAt);
  if (following.wait === null) check('the next attempt', wait, null);
  else if (wait === null || wait < following.wait - SOONER || wait > following.wait + DECIDED_LATER)
    wrong.push(`due after ${wait} s instead of ${following.wait} s`);
  const staysOpen = stage.isProbe === true && !showsLife(expected);
  check('circuit open', circuit.state === 'open', staysOpen);
  check('next probe', circuit.next_probe_at, staysOpen ? dueAt : null);
  const next = attempts[stage.attempt];
  if (next !== undefined && dueAt !== null && Date.parse(next.started_at) < Date.parse(dueAt) - SOONER * 1000)
    wrong.push(`the next attempt began at ${next.started_at}, and was due at ${dueAt}`);
  return wrong;
}

/** From the end of an attempt to when the next one is due. */
export function waitSeconds(attempt: AttemptJson, dueAt: string | null): number | null {
  return dueAt === null ? null : (Date.parse(dueAt) - Date.parse(attempt.started_at)) / 1000 - attempt.duration;
}
