import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';
import { fillQueue } from './fill-queue.ts';
import { freePort } from './free-port.ts';
import type { Hanging } from './hung-receiver.ts';
import { type ProcessGroup, waitForReady } from './processes.ts';
import { createTarget } from './start-system.ts';
import { callSystem, readCounters, type System } from './system.ts';

/**
 * `closed`: all its slots are taken by attempts that wait, as in the first seconds of an outage. `open`: so many have timed
 * out that only probes are sent.
 */
export type CircuitState = 'closed' | 'open';

const TYPE = 'bench.hung';
/** Timeouts, in seconds: nothing of a round with a closed circuit may reach it, and opening one takes as long. */
export const LONGEST_TIMEOUT = 60;
const OPENING_TIMEOUT = 5;
const RETRY_POLICY = { max_retries: 50, retry_delay: 5, exponential_backoff: false };
/** A state that has not come about after so long never will. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;

/** What the hung webhook did during one round. */
export interface HungRound {
  /** Attempts in the air when the round began and when it ended. */
  inTheAirAtStart: number;
  inTheAirAtEnd: number;
  /** Attempts that began during the round, and those that timed out. */
  started: number;
  timedOut: number;
  /** Deliveries that wait, those in the air included. */
  pending: number;
}

export interface HungPlan {
  circuit: CircuitState;
  /** Deliveries that wait for it. */
  backlog: number;
  /** `max_concurrency`, 10 or more: of fewer timeouts the circuit need not open. */
  slots: number;
}

/**
 * A webhook whose receiver never answers, with many deliveries waiting.
 *
 * closed: paused --resume, the slots fill--> measured --pause, what is in the air is answered--> paused
 * open:   out of slots --timeouts--> circuit open --resume, a probe leaves--> measured
 *
 * An answer between the rounds keeps a closed circuit closed; the timeouts would open it after a minute.
 */
export class HungWebhook {
  readonly #system: System;
  readonly #plan: HungPlan;
  readonly #receiver: string;
  readonly #id: string;

  private constructor(system: System, { plan, receiver, id }: { plan: HungPlan; receiver: string; id: string }) {
    this.#system = system;
    this.#plan = plan;
    this.#receiver = receiver;
    this.#id = id;
  }

  /** Starts the receiver, makes the webhook and its backlog, and waits until its circuit is as it is to be. */
  static async create(group: ProcessGroup, system: System, plan: HungPlan): Promise<HungWebhook> {
    const receiver = await startHungReceiver(group);
    const id = await createTarget(system, TYPE, {
      url: `${receiver}/hook`,
      timeout: plan.circuit === 'closed' ? LONGEST_TIMEOUT : OPENING_TIMEOUT,
      max_concurrency: plan.slots,
      retry_policy: RETRY_POLICY,
    });
    const hung = new HungWebhook(system, { plan, receiver, id });
    if (plan.circuit === 'closed') await hung.#change('pause');
    await fillQueue(system, { pending: plan.backlog, webhooks: 1, types: [TYPE] });
    if (plan.circuit === 'open') {
      // Attempts that began just before it opened last as long as those that opened it; a probe may be in the air by then.
      const isOpen = async () => (await hung.#circuit()) === 'open' && (await hung.#look()).held <= 1;
      await hung.#until('its circuit is open', isOpen);
    }
    return hung;
  }

  /** Runs one round while the webhook hangs. Throws a `BenchError` unless it hung from the beginning to the end. */
  async during<T>(round: (pending: number) => Promise<T>): Promise<{ result: T; hung: HungRound }> {
    const { circuit, slots } = this.#plan;
    const wanted = circuit === 'closed' ? slots : 1;
    await this.#change('resume');
    await this.#until(`${wanted} attempts are in the air`, async () => (await this.#look()).held === wanted);
    const { pending } = await readCounters(this.#system);
    const before = await this.#look();
    const result = await round(pending);
    const after = await this.#look();
    await this.#assertStill(after.held);
    if (circuit === 'closed') await this.#letGo();
    const hung = {
      inTheAirAtStart: before.held,
      inTheAirAtEnd: after.held,
      started: after.taken - before.taken,
      timedOut: after.givenUp - before.givenUp,
      pending,
    };
    return { result, hung };
  }

  async #assertStill(held: number): Promise<void> {
    const { circuit, slots } = this.#plan;
    const state = await this.#circuit();
    if (state === circuit && (circuit === 'open' || held === slots)) return;
    throw new BenchError(
      `The hung webhook did not stay as it was: its circuit was ${circuit} and is ${state}, ${held} attempts are in the air.`,
    );
  }

  async #letGo(): Promise<void> {
    await this.#change('pause');
    // What was on its way when it was paused may arrive after the others have been answered.
    await this.#until('nothing is in the air', async () => {
      const { held, taken } = await this.#look('DELETE');
      const { pending } = await readCounters(this.#system);
      return held === 0 && pending === this.#plan.backlog - taken;
    });
  }

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await isSo())) {
      if (performance.now() > deadline) {
        throw new BenchError(`The hung webhook: waited ${PATIENCE_MS / 1000} s in vain until ${what}.`);
      }
      await sleep(POLL_MS);
    }
  }

  async #change(change: 'pause' | 'resume'): Promise<void> {
    await callSystem(this.#system, `/v1/webhooks/${this.#id}/${change}`, { method: 'POST' });
  }

  async #circuit(): Promise<string | undefined> {
    const webhook: { destinations?: { circuit?: { state?: string } }[] } = JSON.parse(
      await callSystem(this.#system, `/v1/webhooks/${this.#id}`),
    );
    return webhook.destinations?.[0]?.circuit?.state;
  }

  async #look(method: 'GET' | 'DELETE' = 'GET'): Promise<Hanging> {
    const answer = await fetch(`${this.#receiver}/held`, { method, signal: AbortSignal.timeout(10_000) });
    return (await answer.json()) as Hanging;
  }
}

async function startHungReceiver(group: ProcessGroup): Promise<string> {
  const port = await freePort();
  const args = [fileURLToPath(new URL('./hung-receiver.ts', import.meta.url)), String(port)];
  const running = await group.start({ name: 'the hung receiver', file: process.execPath, args });
  const origin = `http://127.0.0.1:${port}`;
  await waitForReady(running, `${origin}/held`);
  return origin;
}
