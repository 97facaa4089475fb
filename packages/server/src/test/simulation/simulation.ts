import { Chance } from './chance.ts';
import { FairnessCheck } from './fairness-check.ts';
import { FinalCheck } from './final-check.ts';
import { Ledger } from './ledger.ts';
import { PaceCheck } from './pace-check.ts';
import { People } from './people.ts';
import { PromptCheck } from './prompt-check.ts';
import { Reached } from './reached.ts';
import { fallbackHost, Receiver } from './receivers.ts';
import { RunCheck } from './run-check.ts';
import { type Moment, type Scenario, type Step, scenarioOf } from './scenario.ts';
import { SimulatedNode } from './simulated-node.ts';
import { Disk } from './store/disk.ts';
import { VirtualTime } from './virtual-time.ts';
import type { Witness } from './witness.ts';

/** What one seed came to. */
export interface Outcome {
  seed: number;
  /** One sentence each, with the virtual instant; empty: every invariant held. */
  breaches: readonly string[];
  reached: Reached;
  /** Steps of virtual time. */
  steps: number;
  /** Requests, answers and outcomes, in order. */
  trace: readonly string[];
}

/** After this a disk that was full, and one that was away, holds nothing up any more: outcomes and reads are tried again. */
const CALM_AFTER_FULL_MS = 6_000;
const SETUP_MS = 1_000;
const MOST_ROUNDS = 8;

/**
 * One seed: processes, a disk, receivers and people on virtual time. First everything happens that the scenario says; then the
 * receivers are well and nothing breaks any more, and what is not held must flow; then nothing is held, and all of it must.
 *
 * There is one process at a time, which owns every lane. More than one is a list of nodes here, once a store knows owners.
 */
export class Simulation {
  readonly #time = new VirtualTime();
  readonly #disk = new Disk();
  readonly #reached = new Reached();
  readonly #breaches: string[] = [];
  readonly #trace: string[] = [];
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #scenario: Scenario;
  readonly #receivers = new Map<string, Receiver>();
  readonly #ledger: Ledger;
  readonly #prompt: PromptCheck;
  readonly #people: People;
  readonly #final: FinalCheck;
  #node: SimulatedNode | null = null;
  /** A process is to die behind the next step of this kind. */
  #armed: Extract<Step, { kind: 'crash' }> | null = null;
  #dying: { keeps: number; downMs: number } | null = null;
  #calmSince = 0;
  #isOver = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    this.#scenario = scenarioOf(this.#chance.branch());
    const { newsLost } = this.#scenario;
    const witness = this.#witness();
    const calmSince = () => (this.#disk.fault === null && this.#node !== null ? this.#calmSince : this.#time.now);
    const newsSince = () => (newsLost > 0 ? this.#time.now : calmSince());
    const runs = new RunCheck(witness, newsSince);
    const checks = { pace: new PaceCheck(witness), fairness: new FairnessCheck(witness, runs, newsSince), runs };
    this.#ledger = new Ledger(witness, {
      ...checks,
      trace: (line) => this.#trace.push(`${this.#time.elapsed} ${line}`),
    });
    const extraMs = patienceOf(this.#scenario);
    const { readMs } = this.#scenario;
    this.#prompt = new PromptCheck(witness, this.#ledger, { extraMs, readMs, calmSince, runs });
    this.#people = new People(witness, this.#ledger, {
      prompt: this.#prompt,
      runs,
      chance: this.#chance.branch(),
    });
    this.#final = new FinalCheck(witness, this.#ledger, runs);
  }

  #witness(): Witness {
    return {
      ...{ time: this.#time, disk: this.#disk, reached: this.#reached },
      breach: (what) => {
        this.#breaches.push(`${this.#time.elapsed} ms: ${what}`);
      },
    };
  }

  async run(): Promise<Outcome> {
    const { steps: _, ...setting } = this.#scenario;
    this.#trace.push(JSON.stringify(setting));
    await this.#setUp();
    const clock = this.#time.clock();
    for (const step of this.#scenario.steps) clock.after(step.atMs + SETUP_MS, () => this.#perform(step));
    await this.#pass(this.#time.now + SETUP_MS + this.#scenario.activeMs);
    await this.#heal();
    await this.#flow();
    await this.#release();
    await this.#flow();
    this.#final.checkRows();
    this.#node?.kill();
    const { steps } = this.#time;
    return { seed: this.#seed, breaches: this.#breaches, reached: this.#reached, steps, trace: this.#trace };
  }

  async #setUp(): Promise<void> {
    const node = this.#startNode();
    for (const [i, { checks }] of this.#scenario.webhooks.entries()) {
      this.#receivers.set(`r${i}.example`, new Receiver(checks, this.#chance.branch()));
    }
    for (const i of this.#scenario.webhooks.keys()) {
      this.#receivers.set(fallbackHost(`r${i}.example`), new Receiver(null, this.#chance.branch()));
    }
    void this.#people.createWorkspace(node);
    for (const [i, { config }] of this.#scenario.webhooks.entries()) {
      void this.#people.createWebhook(node, `r${i}.example`, config);
    }
    await this.#pass(this.#time.now + SETUP_MS);
  }

  #perform(step: Step): void {
    if (this.#isOver) return;
    const node = this.#node;
    const { atMs: _, ...traced } = { atMs: 0, ...step, config: undefined };
    this.#trace.push(`${this.#time.elapsed} ${node === null ? 'too late: ' : ''}${JSON.stringify(traced)}`);
    if (step.kind === 'mood') {
      const host = `r${step.webhook}.example`;
      const receiver = this.#receivers.get(step.ofFallback ? fallbackHost(host) : host);
      if (receiver !== undefined) receiver.mood = step.mood;
    } else if (node === null) return;
    else if (step.kind === 'publish') void this.#people.publish(node, step);
    else if (step.kind === 'webhook') void this.#people.actOnWebhook(node, step);
    else if (step.kind === 'delivery') void this.#people.actOnDelivery(node, step);
    else if (step.kind === 'ownership') void this.#lend(node, step);
    else if (step.kind === 'fault') this.#break(node, step);
    else if (step.kind === 'stop') void this.#stop(node, step);
    else {
      this.#armed = step;
      this.#passed('now');
    }
  }

  /** A lane is another process's for a while, which sends nothing. */
  async #lend(node: SimulatedNode, { webhook: i, forMs }: Extract<Step, { kind: 'ownership' }>): Promise<void> {
    const webhook = [...this.#ledger.webhooks.values()][i];
    if (webhook === undefined || webhook.isAway) return;
    await node.lend(webhook, forMs);
    this.#prompt.expect(webhook);
  }

  #break(node: SimulatedNode, { fault, forMs }: Extract<Step, { kind: 'fault' }>): void {
    if (fault === 'no sync') {
      node.failsToSync = true;
      return;
    }
    if (this.#disk.fault !== null) return;
    this.#disk.fault = fault;
    this.#time.clock().after(forMs, () => this.#mend());
  }

  #mend(): void {
    const sweepMs = this.#scenario.limits.sweepMs ?? 60_000;
    if (this.#disk.fault !== null) {
      const holdsUp = this.#disk.fault === 'away' ? sweepMs + CALM_AFTER_FULL_MS : CALM_AFTER_FULL_MS;
      this.#calmSince = Math.max(this.#calmSince, this.#time.now + holdsUp);
    }
    this.#disk.fault = null;
  }

  /** The process may die behind this step. */
  #passed(moment: Moment): void {
    if (this.#armed?.behind !== moment || this.#isOver) return;
    this.#dying = this.#armed;
    this.#armed = null;
  }

  /** Lets time pass, and processes die. */
  async #pass(until: number): Promise<void> {
    for (;;) {
      await this.#time.pass(until, () => this.#breaches.length > 0 || this.#dying !== null);
      const dying = this.#dying;
      if (dying === null || this.#breaches.length > 0) return;
      this.#dying = null;
      this.#die(dying);
    }
  }

  #die({ keeps, downMs }: { keeps: number; downMs: number }): void {
    if (this.#node === null) return;
    const { journal } = this.#disk;
    const attempts = [...this.#ledger.webhooks.values()].flatMap((webhook) => [...webhook.attempts]);
    const unsynced = journal.committed - journal.synced;
    const kept = Math.floor(keeps * (unsynced + 1));
    const { reached } = this.#witness();
    if (attempts.length === 0) reached.note('a crash with nothing in the air');
    if (attempts.some(({ state }) => state === 'open')) reached.note('a crash between send and answer');
    if (attempts.some(({ state }) => state === 'landed')) reached.note('a crash between answer and settle');
    if (unsynced > 0) reached.note('a crash between commit and sync');
    if (kept < unsynced) reached.note('a crash that lost what was committed');
    if (kept > 0) reached.note('a crash that kept what nobody was told of');
    const all = [...this.#ledger.deliveries.values()];
    const isUnsent = all.some((delivery) => {
      const row = this.#ledger.rowOf(delivery);
      return row?.origin === 'batch' && row.state === 'pending' && delivery.body === null;
    });
    if (isUnsent) reached.note('a crash between the making of a batch and its sending');
    const inDoubt = all.some((delivery) => {
      const { acknowledgedAt, refused, body, members } = delivery;
      return acknowledgedAt === null && !refused && body === null && members === null;
    });
    if (inDoubt) reached.note('a crash before the answer to a publish');
    this.#trace.push(`${this.#time.elapsed} crash, ${kept} of ${unsynced} unsynced transactions kept`);
    this.#node.kill();
    journal.crash(kept);
    this.#end(downMs);
  }

  async #stop(node: SimulatedNode, { graceMs, downMs }: Extract<Step, { kind: 'stop' }>): Promise<void> {
    const inTheAir = () => [...this.#ledger.webhooks.values()].some(({ attempts }) => attempts.size > 0);
    const hadSome = inTheAir();
    this.#node = null;
    await node.stop(graceMs);
    if (hadSome) {
      this.#reached.note(
        inTheAir() ? 'a stop that gave back what was in the air' : 'a stop that waited for what was in the air',
      );
    }
    // All that could be synced is.
    this.#disk.journal.crash(0);
    this.#end(downMs);
  }

  /** A process is gone; another one starts later. */
  #end(downMs: number): void {
    this.#node = null;
    this.#armed = null;
    this.#ledger.crashed();
    this.#time.clock().after(downMs, () => this.#startNode());
  }

  #startNode(): SimulatedNode {
    const node = new SimulatedNode({
      witness: this.#witness(),
      ledger: this.#ledger,
      scenario: this.#scenario,
      chance: this.#people.branch(),
      receivers: this.#receivers,
      passed: (moment) => this.#passed(moment),
      settled: (webhookId, dueAt) => {
        const webhook = this.#ledger.webhooks.get(webhookId);
        if (webhook !== undefined) this.#prompt.expect(webhook, dueAt ?? this.#time.now);
      },
      broken: () => {
        this.#reached.note('a sync failed');
        this.#dying = { keeps: this.#chance.next(), downMs: this.#chance.between(0, 1_000) };
      },
    });
    this.#node = node;
    const holdsUp = this.#disk.fault === 'away' ? (this.#scenario.limits.sweepMs ?? 60_000) : 0;
    this.#calmSince = Math.max(this.#calmSince, this.#time.now + holdsUp);
    node.start();
    return node;
  }

  /** From now on everything is well. */
  async #heal(): Promise<void> {
    this.#isOver = true;
    this.#armed = null;
    this.#mend();
    for (const receiver of this.#receivers.values()) receiver.mood = 'well';
    if (this.#node !== null) this.#node.failsToSync = false;
    // A process that is down, or stopping, is there again.
    await this.#pass(this.#time.now + 60_000);
  }

  /** What is not held goes out. */
  async #flow(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS && this.#breaches.length === 0; round += 1) {
      if (this.#final.waiting().length === 0 && this.#isQuiet) return;
      const since = this.#time.now;
      const end = this.#final.latestEnd();
      while (this.#time.now < end && this.#breaches.length === 0) {
        if (this.#final.waiting().length === 0 && this.#isQuiet) return;
        await this.#pass(Math.min(end, this.#time.now + 60_000));
      }
      this.#final.checkFlow(since);
    }
  }

  get #isQuiet(): boolean {
    return [...this.#ledger.webhooks.values()].every(({ attempts }) => attempts.size === 0);
  }

  /** Nobody holds anything any more, and what blocks a run is retried or given up. */
  async #release(): Promise<void> {
    for (const webhook of this.#ledger.webhooks.values()) {
      if (this.#node === null || !this.#final.isHeld(webhook)) continue;
      for (const act of ['resume', 'activate'] as const) {
        void this.#people.act(this.#node, webhook, { act, config: {} });
        await this.#pass(this.#time.now + 1_000);
      }
    }
    for (const { webhook, row } of this.#final.blocking()) {
      this.#reached.note('a run was blocked until the end');
      if (this.#node !== null) void this.#people.free(this.#node, webhook, row.id);
      await this.#pass(this.#time.now + 1_000);
    }
  }
}

/** How much longer than a second a webhook waits that nothing keeps back, for what the process is short of; milliseconds. */
function patienceOf({ limits, newsLost }: Scenario): number {
  // Hung receivers may hold every place that there is.
  if (limits.maxSending !== undefined) return Number.POSITIVE_INFINITY;
  const forOutcomes = limits.maxUnsettled === undefined ? 0 : 20_000;
  return forOutcomes + (newsLost > 0 ? (limits.sweepMs ?? 60_000) : 0);
}
