import { Bells } from './bells.ts';
import { Chance } from './chance.ts';
import { ClusterCheck } from './cluster-check.ts';
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

/** How long it takes others to go on with what a dead node had, and for a share to move. */
const TAKEN_OVER_MS = 15_000;
const SHARED_MS = 10_000;
const MOST_NODES = 3;

/**
 * One seed: processes, a disk, receivers and people on virtual time. First everything happens that the scenario says; then the
 * receivers are well and nothing breaks any more, and what is not held must flow; then nothing is held, and all of it must.
 *
 * Either there is one process at a time on a disk of its own, which may lose what is not synced; or several share a database.
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
  readonly #bells: Bells;
  readonly #cluster: ClusterCheck;
  /** Those that take calls. */
  readonly #nodes: SimulatedNode[] = [];
  #nodesStarted = 0;
  /** A process is to die, to sleep or to be cut off behind the next step of this kind. */
  #armed: Extract<Step, { kind: 'crash' | 'stall' | 'cut off' }> | null = null;
  #dying: { node: SimulatedNode; keeps: number; downMs: number } | null = null;
  #calmSince = 0;
  #isOver = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    this.#scenario = scenarioOf(this.#chance.branch());
    const { newsLost, cluster } = this.#scenario;
    this.#disk.isShared = cluster !== null;
    const witness = this.#witness();
    const calmSince = () => (this.#isCalm ? this.#calmSince : this.#time.now);
    const isDeaf = newsLost > 0 || (cluster?.ringsLost ?? 0) > 0;
    const newsSince = () => (isDeaf ? this.#time.now : calmSince());
    const runs = new RunCheck(witness, newsSince);
    const checks = { pace: new PaceCheck(witness), fairness: new FairnessCheck(witness, runs, newsSince), runs };
    this.#ledger = new Ledger(witness, {
      ...checks,
      trace: (line) => this.#trace.push(`${this.#time.elapsed} ${line}`),
    });
    const extraMs = patienceOf(this.#scenario);
    const readMs = cluster === null ? this.#scenario.readMs : 2 * cluster.hopMs + 1;
    this.#prompt = new PromptCheck(witness, this.#ledger, { extraMs, readMs, calmSince, runs });
    this.#cluster = new ClusterCheck(witness, this.#ledger, {
      ...{ prompt: this.#prompt, nodes: this.#nodes, ringsLost: cluster?.ringsLost ?? 0 },
      passed: (moment, id) =>
        this.#passed(
          moment,
          this.#nodes.find((node) => node.id === id),
        ),
      wasCalmAt: (at) => this.#isCalm && this.#calmSince <= at,
    });
    this.#people = new People(witness, this.#ledger, {
      prompt: this.#prompt,
      runs,
      cluster: this.#cluster,
      chance: this.#chance.branch(),
    });
    this.#final = new FinalCheck(witness, this.#ledger, runs);
    this.#bells = new Bells(new Chance(seed), cluster?.ringsLost ?? 0);
  }

  #witness(): Witness {
    return {
      ...{ time: this.#time, disk: this.#disk, reached: this.#reached },
      breach: (what) => {
        this.#breaches.push(`${this.#time.elapsed} ms: ${what}`);
      },
    };
  }

  get #isCalm(): boolean {
    return this.#disk.fault === null && this.#nodes.length > 0 && this.#cluster.isWell;
  }

  /** Something happened that others need a while to be done with. */
  #disturbed(forMs: number): void {
    this.#calmSince = Math.max(this.#calmSince, this.#time.now + forMs);
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
    for (const node of this.#nodes) node.kill();
    const { steps } = this.#time;
    return { seed: this.#seed, breaches: this.#breaches, reached: this.#reached, steps, trace: this.#trace };
  }

  async #setUp(): Promise<void> {
    const node = this.#startNode();
    const { cluster, webhooks } = this.#scenario;
    for (let more = (cluster?.nodes ?? 1) - 1; more > 0; more -= 1) this.#startNode();
    if (cluster !== null) {
      this.#reached.note('several nodes');
      await this.#pass(this.#time.now + SHARED_MS);
    }
    for (const [i, { checks }] of webhooks.entries()) {
      this.#receivers.set(`r${i}.example`, new Receiver(checks, this.#chance.branch()));
    }
    for (const i of webhooks.keys()) {
      this.#receivers.set(fallbackHost(`r${i}.example`), new Receiver(null, this.#chance.branch()));
    }
    void this.#people.createWorkspace(node);
    for (const [i, { config }] of webhooks.entries()) {
      void this.#people.createWebhook(node, `r${i}.example`, config);
    }
    await this.#pass(this.#time.now + SETUP_MS);
  }

  #perform(step: Step): void {
    if (this.#isOver) return;
    const node = this.#someNode();
    const { atMs: _, ...traced } = { atMs: 0, ...step, config: undefined };
    this.#trace.push(`${this.#time.elapsed} ${node === null ? 'too late: ' : ''}${JSON.stringify(traced)}`);
    if (step.kind === 'mood') {
      const host = `r${step.webhook}.example`;
      const receiver = this.#receivers.get(step.ofFallback ? fallbackHost(host) : host);
      if (receiver !== undefined) receiver.mood = step.mood;
    } else if (node === null) return;
    else if (step.kind === 'publish') void this.#people.publish(node, step);
    else if (step.kind === 'webhook') void this.#people.actOnWebhook(this.#nodes, node, step);
    else if (step.kind === 'delivery') void this.#people.actOnDelivery(this.#nodes, node, step);
    else if (step.kind === 'ownership') void this.#lend(node, step);
    else if (step.kind === 'fault') this.#break(node, step);
    else if (step.kind === 'stop') void this.#stop(node, step);
    else if (step.kind === 'join') this.#join();
    else {
      this.#armed = step;
      this.#passed('now', step.kind === 'crash' ? node : this.#nodes[step.node % this.#nodes.length]);
    }
  }

  /** That people call. */
  #someNode(): SimulatedNode | null {
    const [only, ...more] = this.#nodes;
    if (only === undefined || more.length === 0) return only ?? null;
    return this.#chance.pick([only, ...more]);
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
    if (fault === 'away' && this.#disk.isShared) this.#cluster.unheard();
    this.#time.clock().after(forMs, () => this.#mend());
  }

  #mend(): void {
    const sweepMs = this.#scenario.limits.sweepMs ?? 60_000;
    const { fault } = this.#disk;
    if (fault !== null) this.#disturbed(fault === 'away' ? sweepMs + CALM_AFTER_FULL_MS : CALM_AFTER_FULL_MS);
    this.#disk.fault = null;
    if (this.#disk.isShared) this.#cluster.heard();
  }

  #join(): void {
    if (this.#nodes.length >= MOST_NODES) return;
    this.#cluster.expectShares(this.#startNode(), SHARED_MS);
  }

  /** The process may die, sleep or be cut off behind this step. */
  #passed(moment: Moment, node: SimulatedNode | undefined): void {
    if (this.#armed?.behind !== moment || this.#isOver || node === undefined || this.#dying !== null) return;
    if (!this.#nodes.includes(node)) return;
    if (this.#armed.kind === 'stall') this.#cluster.stall(node, this.#armed);
    else if (this.#armed.kind === 'cut off') this.#cluster.cut(node, this.#armed);
    else this.#dying = { ...this.#armed, node };
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

  #die({ node, keeps, downMs }: { node: SimulatedNode; keeps: number; downMs: number }): void {
    if (!this.#nodes.includes(node)) return;
    const { journal } = this.#disk;
    const unsynced = journal.committed - journal.synced;
    const kept = Math.floor(keeps * (unsynced + 1));
    this.#noteCrash(node, { unsynced, kept });
    this.#trace.push(`${this.#time.elapsed} crash of ${node.id}, ${kept} of ${unsynced} unsynced transactions kept`);
    node.kill();
    journal.crash(kept);
    this.#end(node, downMs);
    if (this.#disk.isShared) this.#cluster.expectTakenOver(TAKEN_OVER_MS);
  }

  #noteCrash({ id }: SimulatedNode, { unsynced, kept }: { unsynced: number; kept: number }): void {
    const attempts = [...this.#ledger.webhooks.values()].flatMap((webhook) => [...webhook.attempts]);
    const own = attempts.filter(({ node }) => node === id);
    const { reached } = this.#witness();
    if (own.length === 0) reached.note('a crash with nothing in the air');
    if (own.some(({ state }) => state === 'open')) reached.note('a crash between send and answer');
    if (own.some(({ state }) => state === 'landed')) reached.note('a crash between answer and settle');
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
  }

  async #stop(node: SimulatedNode, { graceMs, downMs }: Extract<Step, { kind: 'stop' }>): Promise<void> {
    const inTheAir = () =>
      [...this.#ledger.webhooks.values()].some(({ attempts }) => [...attempts].some((one) => one.node === node.id));
    const hadSome = inTheAir();
    this.#remove(node);
    this.#cluster.stopping.add(node);
    if (this.#disk.isShared) this.#disturbed(graceMs + TAKEN_OVER_MS);
    await node.stop(graceMs);
    this.#cluster.stopping.delete(node);
    if (hadSome) {
      this.#reached.note(
        inTheAir() ? 'a stop that gave back what was in the air' : 'a stop that waited for what was in the air',
      );
    }
    if (this.#disk.isShared) this.#cluster.stopped(node);
    // All that could be synced is.
    this.#disk.journal.crash(0);
    this.#end(node, downMs);
  }

  #remove(node: SimulatedNode): void {
    const place = this.#nodes.indexOf(node);
    if (place >= 0) this.#nodes.splice(place, 1);
  }

  /** A process is gone; another one starts later. */
  #end(node: SimulatedNode, downMs: number): void {
    this.#remove(node);
    this.#armed = null;
    if (this.#disk.isShared) {
      this.#disturbed(TAKEN_OVER_MS);
      this.#ledger.died(node.id);
    } else this.#ledger.crashed();
    this.#time.clock().after(downMs, () => {
      if (this.#nodes.length < (this.#scenario.cluster === null ? 1 : MOST_NODES)) this.#startNode();
    });
  }

  #startNode(): SimulatedNode {
    this.#nodesStarted += 1;
    const { cluster } = this.#scenario;
    const node: SimulatedNode = new SimulatedNode({
      id: `node_${this.#nodesStarted}`,
      among: cluster && { setting: cluster, bells: this.#bells, watch: this.#cluster },
      witness: this.#witness(),
      ledger: this.#ledger,
      scenario: this.#scenario,
      chance: this.#people.branch(),
      receivers: this.#receivers,
      passed: (moment) => this.#passed(moment, node),
      settled: (webhookId, dueAt) => {
        const webhook = this.#ledger.webhooks.get(webhookId);
        if (webhook !== undefined) this.#prompt.expect(webhook, dueAt ?? this.#time.now);
      },
      broken: () => {
        this.#reached.note('a sync failed');
        this.#dying = { node, keeps: this.#chance.next(), downMs: this.#chance.between(0, 1_000) };
      },
    });
    // One that shares its database takes calls when it has reached that.
    if (cluster === null) this.#nodes.push(node);
    if (this.#disk.fault === 'away') this.#disturbed(this.#scenario.limits.sweepMs ?? 60_000);
    if (cluster !== null) this.#disturbed(SHARED_MS);
    else this.#disturbed(0);
    // Its database cannot be reached: it ends, and is started again.
    this.#begin(node).catch(() => {
      node.kill();
      this.#end(node, 1_000);
    });
    return node;
  }

  async #begin(node: SimulatedNode): Promise<void> {
    await node.open();
    if (!this.#nodes.includes(node)) this.#nodes.push(node);
    await node.start();
  }

  /** From now on everything is well. */
  async #heal(): Promise<void> {
    this.#isOver = true;
    this.#armed = null;
    this.#mend();
    for (const receiver of this.#receivers.values()) receiver.mood = 'well';
    for (const node of this.#nodes) node.failsToSync = false;
    this.#cluster.heal();
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
      const node = this.#someNode();
      if (node === null || !this.#final.isHeld(webhook)) continue;
      for (const act of ['resume', 'activate'] as const) {
        void this.#people.act(node, webhook, { act, config: {} });
        await this.#pass(this.#time.now + 1_000);
      }
    }
    for (const { webhook, row } of this.#final.blocking()) {
      this.#reached.note('a run was blocked until the end');
      const node = this.#cluster.ownerOf(webhook) ?? this.#someNode();
      if (node !== null) void this.#people.free(node, webhook, row.id);
      await this.#pass(this.#time.now + 1_000);
    }
  }
}

/** How much longer than a second a webhook waits that nothing keeps back, for what the process is short of; milliseconds. */
function patienceOf({ limits, newsLost, cluster }: Scenario): number {
  // Hung receivers may hold every place that there is.
  if (limits.maxSending !== undefined) return Number.POSITIVE_INFINITY;
  const forOutcomes = limits.maxUnsettled === undefined ? 0 : 20_000;
  // News that nobody is rung for is found by a beat.
  const forBeats = (cluster?.ringsLost ?? 0) > 0 ? 4_000 : 0;
  return forOutcomes + forBeats + (newsLost > 0 ? (limits.sweepMs ?? 60_000) : 0);
}
