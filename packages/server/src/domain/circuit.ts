import type { ExchangeResult } from './attempt.ts';
import { isOwnFailure, isSuccess } from './attempt.ts';

/**
 * Whether a destination is sent to.
 *
 * ```
 *            the last minute, or five in a row (OutcomeWindow)
 *   closed ───────────────────────────────────────────────────▶ open ◀─┐ the probe fails in a counted way:
 *     ▲                                                         │ ▲  │ │ the next one after twice as long
 *     │ the ramp is as wide as the webhook                      │ │  └─┘
 *     │                                                         ▼ │
 *     └─────────────────────────────────────────────────── half_open
 *                         the probe brings any other answer ───┘ └── as from closed
 * ```
 *
 * `open` sends nothing but one probe at a time, from `nextProbeAt` on; only a probe's answer counts. `half_open` sends, at a
 * ramp: `width` attempts in the air, doubled at most once a second while answers come, halved by a counted failure.
 * Instants are milliseconds since the epoch.
 */
export type Circuit =
  | { state: 'closed' }
  | { state: 'open'; since: number; failedProbes: number; nextProbeAt: number }
  | { state: 'half_open'; since: number; width: number; widenAt: number };

export const CLOSED_CIRCUIT: Circuit = { state: 'closed' };

const FIRST_PROBE_MS = 5_000;
const LONGEST_PROBE_MS = 300_000;
const WIDEN_EVERY_MS = 1_000;

/** What an attempt tells about its destination. */
export type Evidence =
  | 'success'
  /** 5xx, 408, network errors and timeouts. */
  | 'counted_failure'
  /** Anything else that came back: the receiver is there. */
  | 'other_answer'
  /** It never got as far as the receiver. */
  | 'own_failure';

/** Pure: what the last exchange of an attempt tells about its destination. */
export function evidenceOf(result: ExchangeResult): Evidence {
  if (isSuccess(result)) return 'success';
  if (result.kind === 'answered') {
    return result.status >= 500 || result.status === 408 ? 'counted_failure' : 'other_answer';
  }
  if (isOwnFailure(result.failure)) return 'own_failure';
  const isAnswer = result.failure === 'malformed_response' || result.failure === 'address_refused';
  return isAnswer ? 'other_answer' : 'counted_failure';
}

/** What {@link afterLanding} looks at. */
export interface Landing {
  evidence: Exclude<Evidence, 'own_failure'>;
  /** The attempt was the probe of an open circuit. */
  isProbe: boolean;
  /** The window, this attempt included, shows an outage. */
  outage: boolean;
  /** `max_concurrency` of the webhook. */
  slots: number;
  now: number;
}

/** Pure: the circuit after an attempt came back. The same object where nothing changed. */
export function afterLanding(circuit: Circuit, { evidence, isProbe, outage, slots, now }: Landing): Circuit {
  const failed = evidence === 'counted_failure';
  switch (circuit.state) {
    case 'closed':
      return failed && outage ? open(now) : circuit;
    case 'open': {
      // What was in the air when it opened would close it again by chance.
      if (!isProbe) return circuit;
      if (!failed) return { state: 'half_open', since: now, width: 1, widenAt: now + WIDEN_EVERY_MS };
      const failedProbes = circuit.failedProbes + 1;
      return { ...circuit, failedProbes, nextProbeAt: now + probeDelayMs(failedProbes) };
    }
    case 'half_open': {
      if (failed && outage) return open(now);
      const widenAt = now + WIDEN_EVERY_MS;
      if (failed) return { ...circuit, width: Math.max(1, Math.floor(circuit.width / 2)), widenAt };
      if (now < circuit.widenAt) return circuit;
      const width = circuit.width * 2;
      return width >= slots ? CLOSED_CIRCUIT : { ...circuit, width, widenAt };
    }
  }
}

function open(now: number): Circuit {
  return { state: 'open', since: now, failedProbes: 0, nextProbeAt: now + FIRST_PROBE_MS };
}

function probeDelayMs(failedProbes: number): number {
  return Math.min(FIRST_PROBE_MS * 2 ** failedProbes, LONGEST_PROBE_MS);
}

/** Attempts that the circuit lets be in the air; a probe is one. */
export function widthOf(circuit: Circuit): number {
  if (circuit.state === 'closed') return Number.POSITIVE_INFINITY;
  return circuit.state === 'open' ? 1 : circuit.width;
}

/** The instant before which nothing is sent; 0: none. A clock that was set back does not make the wait longer. */
export function closedOffUntil(circuit: Circuit, now: number): number {
  if (circuit.state !== 'open') return 0;
  return circuit.nextProbeAt - now > LONGEST_PROBE_MS ? now : circuit.nextProbeAt;
}

/** Pure: somebody says that the receiver is well again, so that the next probe need not wait. */
export function probeNow(circuit: Circuit, now: number): Circuit {
  return circuit.state === 'open' ? { ...circuit, nextProbeAt: Math.min(circuit.nextProbeAt, now) } : circuit;
}

/** Whether the change from one to the other is worth a write: how wide a ramp is by now is not. */
export function isNewsOf(before: Circuit, after: Circuit): boolean {
  if (before.state !== after.state) return true;
  return before.state === 'open' && after.state === 'open' && before.nextProbeAt !== after.nextProbeAt;
}
