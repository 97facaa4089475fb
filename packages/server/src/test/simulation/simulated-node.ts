import { Engine } from '../../deliver/engine.ts';
import type { SendRequest } from '../../deliver/send-request.ts';
import { createTestSender } from '../../deliver/send-test.ts';
import { StoreUnavailableError } from '../../errors.ts';
import type { DeliveryQueue, Wake } from '../../store/store.ts';
import type { Chance } from './chance.ts';
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
    if (this.#stopping && attempt.exchanges.length === 1 && !attempt.isTest) {
      witness.breach(`${attempt.deliveryId} was sent after the stop`);
    }
    const reaction = receiver.react(exchange.scheme, witness.time.now);
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
    const { ledger, witness, settled } = this.#options;
    const read = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      if (witness.disk.fault === 'away') throw unavailable('away');
      return await work();
    };
    return {
      ...store,
      onWake: (listener) => store.onWake((wakes) => this.#pass(wakes, listener)),
      sweep: () => read(() => store.sweep()),
      loadLane: (lane) => read(() => store.loadLane(lane)),
      exchangesSince: (lane, after) => read(() => store.exchangesSince(lane, after)),
      readDue: (query) => read(() => store.readDue(query)),
      nextDueAt: (lane, after) => read(() => store.nextDueAt(lane, after)),
      settle: async (settlement) => {
        ledger.settling(settlement);
        try {
          const written = await store.settle(settlement);
          ledger.settled(settlement, written);
          const { next, delivery } = settlement;
          settled(delivery.lane.webhookId, next.state === 'pending' ? next.dueAt : null);
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
    const heard = wakes.filter((wake) => wake.changed || !chance.happens(scenario.newsLost));
    if (heard.length < wakes.length) witness.reached.note('news of a lane was lost');
    if (scenario.isNewsLate) this.#clock.after(0, () => listener(heard));
    else listener(heard);
  }
}
