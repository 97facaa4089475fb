import { Engine } from '../../deliver/engine.ts';
import type { SendRequest } from '../../deliver/send-request.ts';
import { createTestSender } from '../../deliver/send-test.ts';
import type { Lane } from '../../domain/webhook.ts';
import { StoreUnavailableError } from '../../errors.ts';
import type { DeliveryQueue, OwnershipListener, Wake } from '../../store/store.ts';
import type { Chance } from './chance.ts';
import type { WebhookFacts } from './facts.ts';
import type { Ledger } from './ledger.ts';
import { NO_ANSWER, type Receiver } from './receivers.ts';
import type { Moment, Scenario } from './scenario.ts';
import { openMemoryStore, type SimulatedStore, unavailable } from './store/open-memory-store.ts';
import type { ProcessClock } from './virtual-time.ts';
import type { Witness } from './witness.ts';

const NO_TIMING = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null };
const TEMPLATE = { headerPrefix: 'X-Broxi-', userAgent: 'Broxi-Webhooks/1.2.3' };

export interface NodeOptions {
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
}

/** One process: a clock of its own, a store on the disk that outlasts it, an engine, and connections to the receivers. */
export class SimulatedNode {
  readonly store: SimulatedStore;
  readonly engine: Engine;
  readonly sendTest: ReturnType<typeof createTestSender>;
  readonly #clock: ProcessClock;
  readonly #options: NodeOptions;
  #stopping = false;
  /** Webhooks whose lanes are another process's. */
  readonly #away = new Set<string>();
  #ownershipListener: OwnershipListener = { gained() {}, letGo: async () => {} };
  /** The next sync fails. */
  failsToSync = false;

  constructor(options: NodeOptions) {
    const { witness, chance, scenario } = options;
    this.#options = options;
    this.#clock = witness.time.clock();
    this.store = openMemoryStore({
      disk: witness.disk,
      clock: this.#clock,
      sync: () => this.#sync(),
      onBroken: options.broken,
      lingerMs: chance.pick([0, 4]),
    });
    const send: SendRequest = (request) => this.#send(request);
    this.engine = new Engine({
      queue: this.#queue(),
      ownership: {
        owns: ({ webhookId }) => !this.#away.has(webhookId),
        onOwnership: (listener) => {
          this.#ownershipListener = listener;
        },
      },
      clock: this.#clock,
      random: () => chance.next(),
      send,
      template: TEMPLATE,
      onError: (error) => {
        if (!(error instanceof StoreUnavailableError)) witness.breach(`the engine reports ${error}`);
        else witness.reached.note('a read failed');
      },
      limits: scenario.limits,
    });
    this.sendTest = createTestSender({
      ...{ engine: this.engine, events: this.store, send, clock: this.#clock },
      dataText: '{"n":0}',
    });
  }

  start(): void {
    void this.engine.start();
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
    ledger.cameBack(webhook);
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
    const open = ledger.sent(request);
    const receiver = receivers.get(request.url.host);
    if (open === null || receiver === undefined) return Promise.resolve({ result: NO_ANSWER, timing: NO_TIMING });
    const { attempt, exchange } = open;
    if (this.#away.has(attempt.webhook.lane.webhookId) && attempt.exchanges.length === 1 && !attempt.isTest) {
      witness.breach(`${attempt.deliveryId} was sent although its lane is another process's`);
    }
    if (this.#stopping && attempt.exchanges.length === 1 && !attempt.isTest) {
      witness.breach(`${attempt.deliveryId} was sent after the stop`);
    }
    const reaction = receiver.react(exchange.scheme, witness.time.now, ledger.membersOf(open));
    const leftMs = Math.max(0, request.deadline - this.#clock.monotonic());
    const isInTime = reaction.result !== null && reaction.afterMs < leftMs;
    const result = isInTime && reaction.result !== null ? reaction.result : NO_ANSWER;
    passed('sent');
    return new Promise((resolve) => {
      this.#clock.after(isInTime ? reaction.afterMs : leftMs, () => {
        ledger.answered(open, result);
        passed('answered');
        resolve({ result, timing: NO_TIMING });
      });
    });
  }

  /** The store as the engine sees it: what goes through is put down in the books, and reads fail while the disk is away. */
  #queue(): DeliveryQueue {
    const { store } = this;
    const { ledger, witness, settled, scenario, chance } = this.#options;
    const read = async <Result>(work: () => Promise<Result>): Promise<Result> => {
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
        ledger.settling(settlement);
        try {
          const written = await store.settle(settlement);
          ledger.settled(settlement, written);
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
