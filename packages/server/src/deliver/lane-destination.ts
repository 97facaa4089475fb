import type { SignatureScheme } from '../domain/attempt.ts';
import { closedOffUntil, probeNow, widthOf } from '../domain/circuit.ts';
import { isHopeless } from '../domain/failing-streak.ts';
import type { Destination } from '../domain/webhook.ts';
import type { Learned } from './attempt-delivery.ts';
import { type HealthNews, type Landed, LaneHealth } from './lane-health.ts';
import { LeftOut } from './left-out.ts';

/** How many attempts are in the air of those that were sent since a circuit opened last. */
export interface Ramp {
  inAir: number;
}

/** One URL that a lane sends to, with what was learned about it and how it does. */
export class LaneDestination {
  #known: Destination;
  readonly #health: LaneHealth;
  /** The signed text that the latest attempt had no time for. */
  offerFirst: SignatureScheme | null = null;
  #ramp: Ramp = { inAir: 0 };
  readonly leftOut = new LeftOut();

  constructor(known: Destination) {
    this.#known = known;
    this.#health = new LaneHealth(known);
  }

  get known(): Destination {
    return this.#known;
  }

  /** Nothing is sent but one probe at a time. */
  get isOpen(): boolean {
    return this.#known.circuit.state === 'open';
  }

  /** Attempts in the air, but for those that were sent before its circuit opened. */
  get inRamp(): number {
    return this.#ramp.inAir;
  }

  /** How many more attempts its circuit lets into the air. */
  get room(): number {
    return widthOf(this.#known.circuit) - this.#ramp.inAir;
  }

  /** The instant before which nothing is sent; 0, or any other that is past: it is. */
  waitsUntil(now: number): number {
    return Math.max(this.#known.notBefore, closedOffUntil(this.#known.circuit, now));
  }

  /** One more may be sent now. */
  takes(now: number): boolean {
    return this.waitsUntil(now) <= now && this.room > 0;
  }

  /** One more is in the air. @returns what it takes up room in, until it has landed */
  started(): Ramp {
    this.#ramp.inAir += 1;
    return this.#ramp;
  }

  /** Adds what an attempt learned to what others in the air have learned meanwhile. */
  learn(learned: Learned): Destination {
    const asked = 'notBefore' in learned ? learned.notBefore : 0;
    this.#known = { ...this.#known, ...learned, notBefore: Math.max(this.#known.notBefore, asked) };
    return this.#known;
  }

  /** Takes into account what an attempt tells about how it does. */
  observe(landed: Landed): HealthNews {
    const before = this.#known;
    const news = this.#health.observe(before, landed);
    const { circuit, failing } = news.destination;
    if (circuit.state === 'open' && before.circuit.state !== 'open') this.#ramp = { inAir: 0 };
    if (circuit !== before.circuit || failing !== before.failing) this.#known = { ...before, circuit, failing };
    return news;
  }

  /** What is known, to be written now. */
  toWrite(): Destination {
    this.#health.written(this.#known);
    return this.#known;
  }

  /** Nothing was accepted for days. */
  isHopeless(now: number): boolean {
    return this.#known.failing !== null && isHopeless(this.#known.failing, now);
  }

  /** Somebody said that it is well again. What it did after that says more. */
  probeNow(saidAt: number, now: number): void {
    const { circuit } = this.#known;
    if (circuit.state === 'open' && circuit.since > saidAt) return;
    this.#known = { ...this.#known, circuit: probeNow(circuit, now) };
  }

  /** Forgetting it would change nothing. */
  isQuiet(now: number): boolean {
    // A test that could not be recorded may have been asked to wait.
    return this.#known.notBefore <= now && this.#health.isQuiet(this.#known, now);
  }
}
