import type { Clock } from '../../clock.ts';
import { Engine } from '../../deliver/engine.ts';
import type { SendRequest } from '../../deliver/send-request.ts';
import { createTestSender } from '../../deliver/send-test.ts';
import type { Lane } from '../../domain/webhook.ts';
import { StoreUnavailableError } from '../../errors.ts';
import { followDatabaseClock } from '../../store/postgres/database-clock.ts';
import { shardOf } from '../../store/postgres/shards.ts';
import type { DeliveryQueue, Ownership, OwnershipListener, Wake } from '../../store/store.ts';
import type { Bells } from './bells.ts';
import type { Chance } from './chance.ts';
import type { AttemptFacts, WebhookFacts } from './facts.ts';
import type { Ledger } from './ledger.ts';
import { NO_ANSWER, type Receiver } from './receivers.ts';
import type { Moment, Scenario } from './scenario.ts';
import { ANSWER_TIMEOUT_MS, Connection } from './store/connection.ts';
import { unavailable } from './store/disk.ts';
import type { ShardWatch } from './store/memory-shared-tables.ts';
import { openMemoryStore, type SimulatedStore } from './store/open-memory-store.ts';
import { openSharedStore } from './store/open-shared-store.ts';
import type { ProcessClock } from './virtual-time.ts';
import type { Witness } from './witness.ts';

const NO_TIMING = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null };
const TEMPLATE = { headerPrefix: 'X-Broxi-', userAgent: 'Broxi-Webhooks/1.2.3' };

export interface NodeOptions {
  id: string;
  witness: Witness;
  ledger: Ledger;
  scenario: Scenario;
  chance: Chance;
  /** By host. */
  receivers: ReadonlyMap<string, Receiver>;
  /** A step was done behind which the process may die. */
  passed: (moment: Moment) => void;
  /** An outcome is on disk. */
  settled: (webhookId: string, dueAt: number | null) => void;
  /** A sync failed: the process ends itself. */
  broken: () => void;
  /** Null: the disk is its own. */
  among: Among | null;
}

/** The nodes that one shares a database with. */
export interface Among {
  setting: NonNullable<Scenario['cluster']>;
  bells: Bells;
  watch: ShardWatch & NodeWatch;
}

/** Told of what a node believes of its lanes. */
export interface NodeWatch {
  gained(node: SimulatedNode, isGained: (lane: Lane) => boolean): void;
  lettingGo(node: SimulatedNode, isLost: (lane: Lane) => boolean): void;
}

/** One process: a clock of its own, a store on the disk that outlasts it, an engine, and connections to the receivers. */
export class SimulatedNode {
  readonly id: string;
  readonly store: SimulatedStore;
  readonly engine: Engine;
  readonly sendTest: ReturnType<typeof createTestSender>;
  readonly #clock: ProcessClock;
  /** Null: the disk is its own. */
  readonly connection: Connection | null = null;
  readonly #options: NodeOptions;
  #stopping = false;
  isStalled = false;
  /** Webhooks whose lanes are another process's. */
  readonly #away = new Set<string>();
  #ownershipListener: OwnershipListener = { gained() {}, letGo: async () => {} };
  readonly #open: () => Promise<void>;
  /** The next sync fails. */
  failsToSync = false;

  constructor(options: NodeOptions) {
    const { witness, chance, scenario, among } = options;
    const { disk } = witness;
    this.#options = options;
    this.id = options.id;
    const lingerMs = chance.pick([0, 4]);
    const onError = (error: unknown) => {
      if (!(error instanceof StoreUnavailableError)) witness.breach(`the engine reports ${error}`);
      else witness.reached.note('a read failed');
    };
    let clock: Clock;
    if (among === null) {
      this.#clock = witness.time.clock();
      clock = this.#clock;
      this.#open = async () => {};
      this.store = openMemoryStore({
        ...{ disk, clock, lingerMs },
        sync: () => this.#sync(),
        onBroken: options.broken,
      });
    } else {
      const { setting, bells, watch } = among;
      const { hopMs } = setting;
      const skewMs = chance.pick([0, 1]) * chance.between(-120_000, 120_000);
      if (Math.abs(skewMs) > 1_000) witness.reached.note('a node whose wall clock is wrong');
      const leaseClock = witness.time.clock({ skewMs });
      const connection = new Connection({
        time: witness.time,
        clock: leaseClock,
        disk,
        chance: chance.branch(),
        hopMs,
      });
      const { clock: followed, observe: onTime } = followDatabaseClock(leaseClock);
      const nodeId = this.id;
      const store = openSharedStore({
        ...{ nodeId, disk, clock: followed, leaseClock, connection, watch, lingerMs, onTime, onError },
        openBell: (onRing) => bells.open({ nodeId, clock: leaseClock, connection }, onRing),
        onWritten: () => options.passed('written'),
        onCommitted: () => options.passed('committed'),
      });
      [this.#clock, clock, this.connection, this.store] = [leaseClock, followed, connection, store];
      this.#open = () => store.start();
    }
    const send: SendRequest = (request) => this.#send(request);
    this.engine = new Engine({
      ...{ queue: this.#queue(), ownership: this.#ownership(), clock, send, onError },
      random: () => chance.next(),
      template: TEMPLATE,
      limits: scenario.limits,
    });
    this.sendTest = createTestSender({
      ...{ engine: this.engine, events: this.store, send, clock },
      dataText: '{"n":0}',
    });
  }

  #ownership(): Ownership {
    const { store } = this;
    const { among } = this.#options;
    if (among === null) {
      return {
        owns: ({ webhookId }) => !this.#away.has(webhookId),
        onOwnership: (listener) => {
          this.#ownershipListener = listener;
        },
      };
    }
    const { watch } = among;
    return {
      owns: (lane) => store.owns(lane),
      onOwnership: ({ gained, letGo }) =>
        store.onOwnership({
          gained: (isGained) => {
            watch.gained(this, isGained);
            gained(isGained);
          },
          letGo: (isLost) => {
            watch.lettingGo(this, isLost);
            return letGo(isLost);
          },
        }),
    };
  }

  /** It runs, and reaches its database. */
  get isWell(): boolean {
    return !this.isStalled && this.connection?.isOut !== true;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  /** The process sleeps. */
  stall(): void {
    this.isStalled = true;
    this.#clock.stall();
  }

  wake(): void {
    this.isStalled = false;
    this.#clock.wake();
  }

  /** @throws StoreUnavailableError if its database cannot be reached */
  async open(): Promise<void> {
    await this.#open();
  }

  async start(): Promise<void> {
    await this.engine.start();
  }

  /** Ends as by SIGTERM. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.engine.stop(graceMs);
    await this.store.close();
    this.kill();
  }

  /** Ends as by `kill -9`: nothing that it waits for happens any more. */
  kill(): void {
    this.#clock.end();
    this.connection?.end();
  }

  /** Gives a lane away for a while. Resolves when it is back, and nothing of the time before is in the air. */
  async lend(webhook: WebhookFacts, forMs: number): Promise<void> {
    const { witness, ledger } = this.#options;
    const { webhookId } = webhook.lane;
    const isIt = (lane: Lane) => lane.webhookId === webhookId;
    const isBusy = () => [...webhook.attempts].some(({ isTest }) => !isTest);
    webhook.isAway = true;
    this.#away.add(webhookId);
    const hadSome = isBusy();
    let isLetGo = false;
    const lettingGo = this.#ownershipListener.letGo(isIt).then(() => {
      isLetGo = true;
      if (isBusy()) witness.breach(`${webhook.host} was let go with something in the air`);
      else if (hadSome) witness.reached.note('a lane was let go once what was in the air had landed');
    });
    await new Promise<void>((resolve) => this.#clock.after(forMs, resolve));
    if (!isLetGo) witness.reached.note('a lane came back before all of it had landed');
    this.#away.delete(webhookId);
    this.#ownershipListener.gained(isIt);
    await lettingGo;
    ledger.begunAnew(webhook);
  }

  #sync(): Promise<void> {
    const { chance, scenario, passed } = this.#options;
    passed('committed');
    const fails = this.failsToSync;
    return new Promise((resolve, reject) => {
      const end = fails ? () => reject(new Error('the simulated disk failed to sync')) : resolve;
      this.#clock.after(chance.between(0, scenario.syncMs), end);
    });
  }

  #send(request: Parameters<SendRequest>[0]): ReturnType<SendRequest> {
    const { ledger, witness, receivers, passed } = this.#options;
    // The process slept: the time of its attempt is over, and nothing leaves.
    if (request.deadline <= this.#clock.monotonic()) {
      ledger.tooLate(request, this.id, NO_ANSWER);
      return Promise.resolve({ result: NO_ANSWER, timing: NO_TIMING });
    }
    const open = ledger.sent(request, this.id);
    const receiver = receivers.get(request.url.host);
    if (open === null || receiver === undefined) return Promise.resolve({ result: NO_ANSWER, timing: NO_TIMING });
    const { attempt, exchange } = open;
    if (this.#away.has(attempt.webhook.lane.webhookId) && attempt.exchanges.length === 1 && !attempt.isTest) {
      witness.breach(`${attempt.deliveryId} was sent although its lane is another process's`);
    }
    if (witness.disk.isShared && attempt.exchanges.length === 1 && !attempt.isTest) this.#checkLease(attempt);
    if (this.#stopping && attempt.exchanges.length === 1 && !attempt.isTest) {
      witness.breach(`${attempt.deliveryId} was sent after the stop`);
    }
    const reaction = receiver.react(exchange.scheme, witness.time.now, ledger.membersOf(open));
    const leftMs = Math.max(0, request.deadline - this.#clock.monotonic());
    const isInTime = reaction.result !== null && reaction.afterMs < leftMs;
    const result = isInTime && reaction.result !== null ? reaction.result : NO_ANSWER;
    passed('sent');
    return new Promise((resolve) => {
      this.#clock.hear(isInTime ? reaction.afterMs : leftMs, () => {
        ledger.answered(open, result);
        passed('answered');
        resolve({ result, timing: NO_TIMING });
      });
    });
  }

  /** Whatever the node believes: at the database the lane is its own at this moment. */
  #checkLease({ deliveryId, webhook }: AttemptFacts): void {
    const { disk, time, breach } = this.#options.witness;
    const owner = disk.shards[shardOf(webhook.lane)];
    const isAlive = (disk.nodes.get(this.id) ?? 0) > time.now;
    if (owner !== this.id) breach(`${deliveryId} was sent by ${this.id}, and its lane is ${owner ?? 'nobody'}'s`);
    else if (!isAlive) breach(`${deliveryId} was sent by ${this.id}, which is taken for dead`);
  }

  /** The store as the engine sees it: what goes through is put down in the books, and reads fail while the disk is away. */
  #queue(): DeliveryQueue {
    const { store, connection } = this;
    const { ledger, witness, settled, scenario, chance } = this.#options;
    const read = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      if (connection !== null) return await connection.ask(work, ANSWER_TIMEOUT_MS.ofStore);
      if (witness.disk.fault === 'away') throw unavailable('away');
      const answer = await work();
      if (scenario.readMs > 0) {
        await new Promise<void>((resolve) => this.#clock.after(chance.between(0, scenario.readMs), resolve));
      }
      return answer;
    };
    return {
      ...store,
      onWake: (listener) => store.onWake((wakes) => this.#pass(wakes, listener)),
      sweep: async () => (await read(() => store.sweep())).filter(({ webhookId }) => !this.#away.has(webhookId)),
      loadLane: (lane) => read(() => store.loadLane(lane)),
      exchangesSince: (lane, after) => read(() => store.exchangesSince(lane, after)),
      readDue: (query) => read(() => store.readDue(query)),
      readHeads: (query) => read(() => store.readHeads(query)),
      headsOf: (query) => read(() => store.headsOf(query)),
      nextDueAt: (lane, after) => read(() => store.nextDueAt(lane, after)),
      readGathering: (query) => read(() => store.readGathering(query)),
      formBatch: async (batch) => {
        const delivery = ledger.forming(batch);
        try {
          const count = await store.formBatch(batch);
          if (delivery !== null && count > 0) delivery.acknowledgedAt = witness.time.now;
          return count;
        } catch (error) {
          if (delivery !== null) delivery.refused = true;
          throw error;
        }
      },
      releaseGathering: async (lane, limit) => {
        const count = await store.releaseGathering(lane, limit);
        if (count > 0) witness.reached.note('members went by themselves when batching ended');
        return count;
      },
      settle: async (settlement) => {
        ledger.settling(settlement, this.id);
        try {
          const written = await store.settle(settlement);
          ledger.settled(settlement, { written, node: this.id });
          const { next, delivery, successors = [] } = settlement;
          settled(delivery.lane.webhookId, next.state === 'pending' ? next.dueAt : null);
          for (const { start } of successors) {
            if (start === 'at once') settled(delivery.lane.webhookId, null);
            else if (start.state === 'pending') settled(delivery.lane.webhookId, start.dueAt);
          }
          return written;
        } catch (error) {
          witness.reached.note('an outcome waited for a full disk');
          throw error;
        }
      },
    };
  }

  #pass(wakes: readonly Wake[], listener: (wakes: readonly Wake[]) => void): void {
    const { scenario, chance, witness } = this.#options;
    const ours = wakes.filter(({ lane }) => !this.#away.has(lane.webhookId));
    const heard = ours.filter((wake) => wake.changed || !chance.happens(scenario.newsLost));
    if (heard.length < ours.length) witness.reached.note('news of a lane was lost');
    if (scenario.isNewsLate) this.#clock.after(0, () => listener(heard));
    else listener(heard);
  }
}
