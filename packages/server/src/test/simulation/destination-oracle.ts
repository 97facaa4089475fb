import type { ExchangeResult } from '../../domain/attempt.ts';
import type { FailingStreak } from '../../domain/failing-streak.ts';
import type { Destination, Lane } from '../../domain/webhook.ts';
import { keyOf } from './store/disk.ts';
import type { Witness } from './witness.ts';

/*
 * What the rules say about one receiver, said a second time and from outside: when nothing may be sent to it. None of it
 * uses the engine's rules, so that an error in those is not repeated here.
 */

type Evidence = 'success' | 'counted' | 'other' | 'own';

type Circuit =
  | { state: 'closed' }
  | { state: 'open'; nextProbeAt: number; failedProbes: number }
  | { state: 'half_open'; since: number; width: number };

const DAY_MS = 24 * 3600 * 1000;
const OWN = ['resolver', 'unreachable', 'out_of_sockets', 'proxy'];
const ANSWERED_IN_A_WAY = ['malformed_response', 'address_refused'];

/** What counts of an attempt for others. */
interface InTheAir {
  startedAt: number;
  isProbe: boolean;
  state: 'open' | 'between' | 'landed';
}

export function evidenceOf(result: ExchangeResult): Evidence {
  if (result.kind === 'answered') {
    if (result.status >= 200 && result.status <= 299) return 'success';
    return result.status === 408 || result.status >= 500 ? 'counted' : 'other';
  }
  if (OWN.includes(result.failure)) return 'own';
  return ANSWERED_IN_A_WAY.includes(result.failure) ? 'other' : 'counted';
}

export class DestinationOracle {
  readonly url: string;
  readonly #lane: Lane;
  readonly #witness: Witness;
  circuit: Circuit = { state: 'closed' };
  /** The receiver asked for a wait until then. */
  notBefore = 0;
  /** It answered 410, or nothing well for days: its webhook is disabled. */
  isGivenUp = false;
  /** Attempts since it last took something; null: none. */
  #failing: FailingStreak | null = null;
  /** The latest change of anything that keeps deliveries back. */
  changedAt = 0;
  /** Attempts that started earlier say nothing. */
  #countsFrom = 0;
  #landed: { at: number; evidence: Evidence }[] = [];

  constructor(lane: Lane, url: string, witness: Witness) {
    this.url = url;
    this.#lane = lane;
    this.#witness = witness;
  }

  /** What a new process knows. */
  static restore(
    lane: Lane,
    { url, value: known }: { url: string; value: Destination },
    witness: Witness,
  ): DestinationOracle {
    const oracle = new DestinationOracle(lane, url, witness);
    oracle.notBefore = known.notBefore;
    oracle.#failing = known.failing;
    oracle.changedAt = witness.time.now;
    const { circuit } = known;
    if (circuit.state === 'open') {
      const { nextProbeAt, failedProbes } = circuit;
      oracle.circuit = { state: 'open', nextProbeAt, failedProbes };
    } else if (circuit.state === 'half_open')
      oracle.circuit = { state: 'half_open', since: witness.time.now, width: 2 * circuit.width };
    return oracle;
  }

  /** Nothing keeps deliveries back but slots. */
  isFree(now: number): boolean {
    return this.circuit.state !== 'open' && this.notBefore <= now && !this.isGivenUp;
  }

  /** The latest instant at which something of what keeps deliveries back ends, if the receiver is well from now on. */
  freeFrom(now: number): number {
    const probeAt = this.circuit.state === 'open' ? this.circuit.nextProbeAt : now;
    return Math.max(now, this.notBefore, probeAt);
  }

  /**
   * An attempt begins.
   * @param others attempts at the same receiver that are not settled
   * @param isChanging a person changes the webhook at this moment: may have resumed it
   */
  started(deliveryId: string, { others, isChanging }: { others: readonly InTheAir[]; isChanging: boolean }): void {
    const { now } = this.#witness.time;
    const breach = (what: string) => this.#witness.breach(`${deliveryId} was sent ${what}`);
    if (now < this.notBefore) breach(`${this.notBefore - now} ms before the instant that Retry-After asked for`);
    if (others.some(({ isProbe, state }) => isProbe && state === 'between')) return;
    const { circuit } = this;
    if (circuit.state === 'open') {
      if (now < circuit.nextProbeAt && !isChanging)
        breach(`${circuit.nextProbeAt - now} ms before the next probe of an open circuit`);
      if (others.some(({ isProbe, state }) => isProbe && state === 'open')) breach('beside a probe of an open circuit');
    }
    if (circuit.state === 'half_open') {
      const ramp = circuit.width * 2 ** Math.floor((now - circuit.since) / 1000);
      const released = others.filter(({ startedAt, state }) => startedAt >= circuit.since && state === 'open').length;
      if (released + 1 > ramp) breach(`as one of ${released + 1} in the ramp after an outage, where ${ramp} may be`);
      this.#witness.reached.note('an attempt in the ramp after an outage');
    }
  }

  /** An attempt is over. */
  landed({ isProbe, startedAt }: Pick<InTheAir, 'isProbe' | 'startedAt'>, result: ExchangeResult): void {
    const { now } = this.#witness.time;
    const evidence = evidenceOf(result);
    if (evidence === 'own') return;
    this.#failing = evidence === 'success' ? null : this.#oneMore(now);
    if (this.circuit.state === 'open') {
      if (isProbe) this.#probed(this.circuit, evidence, now);
      return;
    }
    if (startedAt < this.#countsFrom) return;
    this.#landed.push({ at: now, evidence });
    if (evidence === 'counted' && this.#isOut(now)) this.#open(now, 0);
  }

  /** Retry-After. */
  asked(waitMs: number): void {
    const { now } = this.#witness.time;
    this.notBefore = Math.max(this.notBefore, now + waitMs);
    this.changedAt = now;
  }

  /** Somebody says that it is well again. */
  resume(): void {
    const { now } = this.#witness.time;
    this.isGivenUp = false;
    this.changedAt = now;
    if (this.circuit.state === 'open') {
      this.circuit = { ...this.circuit, nextProbeAt: Math.min(this.circuit.nextProbeAt, now) };
    }
  }

  /** For 5 days at least 20 attempts on at least 3 days, and none a success. */
  isHopeless(): boolean {
    const { since, attempts, days } = this.#failing ?? { since: 0, attempts: 0, days: 0 };
    return this.#witness.time.now - since >= 5 * DAY_MS && attempts >= 20 && days >= 3;
  }

  /** When a person last resumed its webhook. */
  #resumedAt(): number {
    const { workspaceId, webhookId } = this.#lane;
    return this.#witness.disk.holds.get(keyOf(workspaceId, webhookId))?.hold.resumedAt ?? 0;
  }

  #oneMore(now: number): FailingStreak {
    const before = this.#failing;
    if (before === null || before.since < this.#resumedAt()) return { since: now, attempts: 1, days: 1, latestAt: now };
    const days = before.days + (Math.floor(now / DAY_MS) === Math.floor(before.latestAt / DAY_MS) ? 0 : 1);
    return { ...before, attempts: before.attempts + 1, days, latestAt: now };
  }

  #probed(circuit: Extract<Circuit, { state: 'open' }>, evidence: Evidence, now: number): void {
    if (evidence === 'counted') {
      this.#witness.reached.note('a probe failed');
      this.#open(now, circuit.failedProbes + 1);
      return;
    }
    this.#witness.reached.note('a probe was answered');
    this.circuit = { state: 'half_open', since: now, width: 1 };
    this.changedAt = now;
    this.#countsFrom = now;
    this.#landed = [{ at: now, evidence }];
  }

  #open(now: number, failedProbes: number): void {
    if (failedProbes === 0) this.#witness.reached.note('a circuit opened');
    const nextProbeAt = now + Math.min(5_000 * 2 ** failedProbes, 300_000);
    this.circuit = { state: 'open', nextProbeAt, failedProbes };
    this.changedAt = now;
  }

  #isOut(now: number): boolean {
    const lastFive = this.#landed.slice(-5);
    const lastSuccess = this.#landed.findLast(({ evidence }) => evidence === 'success');
    const inARow = lastFive.length === 5 && lastFive.every(({ evidence }) => evidence === 'counted');
    if (inARow && (lastSuccess === undefined || now - lastSuccess.at >= 30_000)) return true;
    // The last minute, by seconds.
    const from = (Math.floor(now / 1000) - 59) * 1000;
    const recent = this.#landed.filter(({ at }) => at >= from);
    const failed = recent.filter(({ evidence }) => evidence === 'counted').length;
    return recent.length >= 10 && failed >= 0.7 * recent.length;
  }
}
