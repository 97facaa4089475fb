import { type Lane, laneKey } from '../../domain/webhook.ts';
import { SHARDS, shardOf } from '../../store/postgres/shards.ts';
import type { WebhookFacts } from './facts.ts';
import { HEARD_LATE_MS, HEARD_MS, type Ledger } from './ledger.ts';
import type { PromptCheck } from './prompt-check.ts';
import type { Moment, Step } from './scenario.ts';
import type { NodeWatch, SimulatedNode } from './simulated-node.ts';
import type { ShardWatch } from './store/memory-shared-tables.ts';
import type { Witness } from './witness.ts';

/** A node that was away is renewed, or has lapsed, and has heard the news within this. */
const BACK_MS = 8_000;
/** What one gives up another one has taken within this, without a bell. */
const MOVED_MS = 4_000;
/** It has heard what waited for it. */
const SOON_MS = 200;

/** What happens to nodes that share a database, and what has to be true of whose a lane is. */
export class ClusterCheck implements ShardWatch, NodeWatch {
  readonly #witness: Witness;
  readonly #ledger: Ledger;
  readonly #prompt: PromptCheck;
  /** Nothing was wrong since then, nor had been for so long that it may show. */
  readonly #wasCalmAt: (at: number) => boolean;
  /** Those that take calls. */
  readonly #nodes: readonly SimulatedNode[];
  /** Those that do not any more, and send what is in the air. */
  readonly stopping = new Set<SimulatedNode>();
  /** The share of rings that nobody hears. */
  readonly #ringsLost: number;
  readonly passed: (moment: Moment, node: string) => void;
  #wellSince = 0;
  /** By shard. */
  readonly #givenUpAt = new Map<number, number>();

  constructor(
    witness: Witness,
    ledger: Ledger,
    others: {
      prompt: PromptCheck;
      nodes: readonly SimulatedNode[];
      ringsLost: number;
      wasCalmAt: (at: number) => boolean;
      passed: (moment: Moment, node: string) => void;
    },
  ) {
    this.#witness = witness;
    this.#ledger = ledger;
    this.#prompt = others.prompt;
    this.#nodes = others.nodes;
    this.#ringsLost = others.ringsLost;
    this.passed = others.passed;
    this.#wasCalmAt = others.wasCalmAt;
  }

  get #alive(): SimulatedNode[] {
    return [...this.#nodes, ...this.stopping];
  }

  /** All of them run, and reach the database, for long enough. */
  get isWell(): boolean {
    return this.#alive.every(({ isWell }) => isWell) && this.#wellSince <= this.#witness.time.now;
  }

  ownerOf({ lane }: WebhookFacts): SimulatedNode | undefined {
    const owner = this.#witness.disk.shards[shardOf(lane)];
    return this.#alive.find(({ id }) => id === owner);
  }

  #webhooksIn(isIn: (lane: Lane) => boolean): WebhookFacts[] {
    return [...this.#ledger.webhooks.values()].filter(({ lane }) => isIn(lane));
  }

  #ofShard(shard: number): WebhookFacts[] {
    return this.#webhooksIn((lane) => shardOf(lane) === shard);
  }

  taken(shard: number, from: string | null, to: string): void {
    const { reached } = this.#witness;
    for (const webhook of this.#ofShard(shard)) {
      const isBusy = [...webhook.attempts].some(({ isTest }) => !isTest);
      if (isBusy && from !== null) reached.note('a lane was taken over with something in the air');
      this.#ledger.moved(webhook, to);
    }
    if (from !== null && !this.#alive.some(({ id }) => id === from))
      reached.note('lanes of a dead node were taken over');
  }

  givenUp(shard: number, by: string): void {
    this.#givenUpAt.set(shard, this.#witness.time.now);
    const isStopping = [...this.stopping].some(({ id }) => id === by);
    for (const webhook of this.#ofShard(shard)) {
      const own = [...webhook.attempts].filter(({ node, isTest }) => node === by && !isTest);
      if (own.length > 0 && !isStopping) this.#witness.breach(`${webhook.host} was given up with something in the air`);
      this.#ledger.givenUp(webhook, by);
    }
  }

  gained(node: SimulatedNode, isGained: (lane: Lane) => boolean): void {
    for (const webhook of this.#webhooksIn(isGained)) {
      if (this.#witness.disk.shards[shardOf(webhook.lane)] !== node.id) continue;
      const isBusy = [...webhook.attempts].some(({ isTest }) => !isTest);
      if (isBusy) webhook.restarting = true;
      else this.#ledger.begunAnew(webhook);
      webhook.isAway = false;
      this.#prompt.expect(webhook, this.#witness.time.now + 1);
    }
  }

  lettingGo(node: SimulatedNode, isLost: (lane: Lane) => boolean): void {
    for (const webhook of this.#webhooksIn(isLost)) {
      if (this.#witness.disk.shards[shardOf(webhook.lane)] !== node.id) continue;
      webhook.isAway = true;
      const isBusy = [...webhook.attempts].some(({ isTest }) => !isTest);
      if (isBusy) {
        webhook.restarting = true;
        this.#witness.reached.note('a shard was given up once what was in the air had landed');
      }
    }
  }

  stall(node: SimulatedNode, { forMs, thenCutOffMs }: Extract<Step, { kind: 'stall' }>): void {
    if (node.isStalled) return;
    const had = this.#owned(node);
    const clock = this.#witness.time.clock();
    node.stall();
    this.#outOfReach(node);
    clock.after(forMs, () => this.#wake(node, had));
    if (thenCutOffMs === undefined) return;
    clock.after(forMs + SOON_MS, () => this.cut(node, { outage: 'refused', forMs: thenCutOffMs }));
  }

  #wake(node: SimulatedNode, had: number): void {
    if (!node.isStalled) return;
    node.wake();
    this.#inReach(node);
    const { reached } = this.#witness;
    if (had > 0 && this.#owned(node) === 0) reached.note('a node slept past its time, and woke up with nothing');
    if (had > 0 && this.#owned(node) === had) reached.note('a node slept for a moment, and kept its lanes');
  }

  cut(node: SimulatedNode, { outage, forMs }: Pick<Extract<Step, { kind: 'cut off' }>, 'outage' | 'forMs'>): void {
    const { connection } = node;
    if (connection === null || connection.isOut) return;
    const had = this.#owned(node);
    connection.cut(outage);
    this.#outOfReach(node);
    this.#witness.time.clock().after(forMs, () => this.#mend(node, had));
  }

  #mend(node: SimulatedNode, had: number): void {
    if (node.connection?.isOut !== true || !this.#alive.includes(node)) return;
    node.connection.mend();
    this.#inReach(node);
    const { reached } = this.#witness;
    if (had > 0 && this.#owned(node) === had) reached.note('a node that was cut off came back and kept its lanes');
    if (had > 0 && this.#owned(node) === 0) reached.note('a node that was cut off came back when others had its lanes');
  }

  /** Shards, by the database. */
  #owned({ id }: SimulatedNode): number {
    return this.#witness.disk.shards.filter((owner) => owner === id).length;
  }

  #outOfReach(node: SimulatedNode): void {
    for (const webhook of this.#ledger.webhooks.values()) if (this.ownerOf(webhook) === node) this.#unheard(webhook);
  }

  /** A change that it may not have heard of holds once it has. */
  #unheard(webhook: WebhookFacts): void {
    if (webhook.changedUntil < this.#witness.time.now) return;
    webhook.changing = true;
  }

  /** Nobody reaches the database. */
  unheard(): void {
    for (const webhook of this.#ledger.webhooks.values()) this.#unheard(webhook);
  }

  #inReach(node: SimulatedNode): void {
    const { now } = this.#witness.time;
    this.#wellSince = Math.max(this.#wellSince, now + 3 * BACK_MS);
    for (const webhook of this.#ledger.webhooks.values()) this.#prompt.expect(webhook, this.#wellSince + 1);
    this.heard(node);
  }

  /** The database can be reached again, by all of them or by one. */
  heard(node?: SimulatedNode): void {
    for (const webhook of this.#ledger.webhooks.values()) {
      if (node !== undefined && this.ownerOf(webhook) !== node) continue;
      if (!webhook.changing || webhook.changingAt !== null) continue;
      const isReached = this.ownerOf(webhook)?.isWell !== false && this.#witness.disk.fault !== 'away';
      if (!isReached) continue;
      webhook.changing = false;
      webhook.changedUntil = this.#witness.time.now + BACK_MS;
      this.#prompt.expect(webhook, webhook.changedUntil + 1);
    }
  }

  /** A person's change of a webhook through a node is over. It holds at once there, and soon at the owner. */
  changed(webhook: WebhookFacts, node: SimulatedNode): void {
    const { now } = this.#witness.time;
    webhook.changing = false;
    webhook.changingAt = null;
    webhook.changedUntil = now;
    if (!this.#witness.disk.isShared) return;
    webhook.changedUntil = now + (this.#ringsLost > 0 ? HEARD_LATE_MS : HEARD_MS);
    const owner = this.ownerOf(webhook);
    if (owner === undefined) return;
    if (owner !== node) this.#witness.reached.note('a person changed a webhook through another node than its owner');
    if (owner.isWell && this.#witness.disk.fault !== 'away') return;
    this.#witness.reached.note('a webhook was changed that its owner could not hear of');
    webhook.changing = true;
  }

  /** A node that stopped has nothing any more. */
  stopped(node: SimulatedNode): void {
    if (!this.isWell || !node.isWell || this.#witness.disk.fault !== null) return;
    if (this.#owned(node) > 0) this.#witness.breach(`${node.id} was stopped, and owns ${this.#owned(node)} shards`);
    this.#witness.reached.note('a stop that gave up every shard');
  }

  /** A node came: it has its share by then, but for lanes that wait for what is in the air. */
  expectShares(node: SimulatedNode, withinMs: number): void {
    const { time, reached, breach } = this.#witness;
    const since = time.now;
    time.clock().after(withinMs, () => {
      if (!this.#wasCalmAt(since + withinMs) || !this.#nodes.includes(node)) return;
      const fair = SHARDS / this.#alive.length;
      const owned = this.#owned(node);
      if (owned < Math.floor(fair) - this.#ledger.webhooks.size) breach(`${node.id} came, and has ${owned} shards`);
      if (owned > 0 && this.#alive.length > 1) reached.note('a node joined, and shards moved to it');
    });
  }

  /** A node died: others have its lanes by then. */
  expectTakenOver(withinMs: number): void {
    const { time, breach } = this.#witness;
    const since = time.now;
    for (const webhook of this.#ledger.webhooks.values()) this.#prompt.expect(webhook, since + withinMs + 1);
    time.clock().after(withinMs, () => {
      if (!this.#wasCalmAt(since + withinMs) || this.#nodes.length === 0) return;
      for (const webhook of this.#ledger.webhooks.values()) {
        const isMoving = (this.#givenUpAt.get(shardOf(webhook.lane)) ?? 0) > time.now - MOVED_MS;
        if (this.ownerOf(webhook) === undefined && !isMoving)
          breach(`${laneKey(webhook.lane)} is nobody's ${withinMs} ms after a node died`);
      }
    });
  }

  /** All of them run, and reach the database. */
  heal(): void {
    for (const node of this.#alive) {
      this.#wake(node, 0);
      this.#mend(node, 0);
    }
  }
}
