import { type Counters, parseCounters } from './counters.ts';
import { callSystem, type System } from './system.ts';

const SAMPLE_MS = 500;

/** Watches, twice a second, how far the deliveries are behind the events while a system is under load. */
export class BacklogSampler {
  readonly #system: System;
  readonly #start: Counters;
  readonly #timer: NodeJS.Timeout;
  #largest = 0;
  #sampling: Promise<void> = Promise.resolve();

  /** Starts at once. @param start the counters when nothing was pending */
  constructor(system: System, start: Counters) {
    this.#system = system;
    this.#start = start;
    this.#timer = setInterval(() => {
      this.#sampling = this.#sampling.then(() => this.#sample());
    }, SAMPLE_MS);
  }

  /** The largest `accepted − settled` that was seen. Throws what a sample threw. */
  async stop(): Promise<number> {
    clearInterval(this.#timer);
    await this.#sampling;
    return this.#largest;
  }

  async #sample(): Promise<void> {
    const { accepted, settled } = parseCounters(await callSystem(this.#system, '/metrics'));
    this.#largest = Math.max(this.#largest, accepted - this.#start.accepted - (settled - this.#start.settled));
  }
}
