import type { Mutant } from '../mutant.ts';

/** Of retries, of what an answer means, and of circuits. */
export const RETRIES_AND_CIRCUITS: readonly Mutant[] = [
  {
    name: 'one attempt too many',
    file: 'domain/delivery.ts',
    find: 'attemptsInSeries >= policy.attemptsAllowed',
    replace: 'attemptsInSeries > policy.attemptsAllowed',
  },
  {
    name: 'excused attempts are charged',
    file: 'domain/delivery.ts',
    find: 'dueAt: at(excusedUntil), uncharged: true }',
    replace: 'dueAt: at(excusedUntil) }',
  },
  {
    name: 'a 410 is charged',
    file: 'domain/delivery.ts',
    find: 'dueAt: at(now), uncharged: true }',
    replace: 'dueAt: at(now) }',
  },
  {
    name: 'Retry-After does not put off its delivery',
    file: 'domain/delivery.ts',
    find: 'Math.max(Math.ceil(delayMs), outcome.retryAfterMs ?? 0)',
    replace: 'Math.ceil(delayMs)',
  },
  {
    name: 'Retry-After does not put off the others',
    file: 'deliver/lane-destination.ts',
    find: 'Math.max(this.#known.notBefore, closedOffUntil(',
    replace: 'Math.max(0, closedOffUntil(',
  },
  {
    name: 'delays double too early',
    file: 'domain/retry-policy.ts',
    find: '2 ** (n - 1)',
    replace: '2 ** n',
  },
  {
    name: 'jitter beyond its share',
    file: 'domain/retry-policy.ts',
    find: 'jitter * (2 * random - 1)',
    replace: 'jitter * (4 * random - 1)',
  },
  {
    name: 'trouble with a proxy is the fault of the receiver',
    file: 'domain/attempt.ts',
    find: `'out_of_sockets', 'proxy']`,
    replace: `'out_of_sockets']`,
  },
  {
    name: '410 is an answer like 404',
    file: 'domain/attempt.ts',
    find: `if (result.status === 410) return { kind: 'gone', reason };`,
    replace: '',
  },
  {
    name: '408 counts for nothing in a circuit',
    file: 'domain/circuit.ts',
    find: `result.status >= 500 || result.status === 408`,
    replace: 'result.status >= 500',
  },
  {
    name: 'what was in the air closes the circuit again',
    file: 'domain/circuit.ts',
    find: 'if (!isProbe) return circuit;',
    replace: '',
  },
  {
    name: 'probes come every five seconds',
    file: 'domain/circuit.ts',
    find: 'FIRST_PROBE_MS * 2 ** failedProbes',
    replace: 'FIRST_PROBE_MS',
  },
  {
    name: 'no ramp after an outage',
    file: 'domain/circuit.ts',
    find: 'width: 1, widenAt',
    replace: 'width: 8, widenAt',
  },
  {
    name: 'seven failures in a row open a circuit, and not five',
    file: 'domain/outcome-window.ts',
    find: 'const FAILURES_IN_A_ROW = 5',
    replace: 'const FAILURES_IN_A_ROW = 7',
  },
  {
    name: 'half of the attempts open a circuit',
    file: 'domain/outcome-window.ts',
    find: 'const FAILED_SHARE = 0.7',
    replace: 'const FAILED_SHARE = 0.5',
  },
  {
    name: 'failures before an outage open the circuit after it',
    file: 'deliver/lane-health.ts',
    find: `this.#beginAnew(evidence, now);`,
    replace: '{}',
  },
  {
    name: 'given up after three days',
    file: 'domain/failing-streak.ts',
    find: 'const DISABLED_AFTER_MS = 5 * DAY_MS',
    replace: 'const DISABLED_AFTER_MS = 3 * DAY_MS',
  },
];
