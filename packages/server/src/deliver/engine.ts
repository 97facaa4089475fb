import type { Clock } from '../clock.ts';
import { DELIVERY_CLASS } from '../domain/delivery.ts';
import { LaneMap } from '../domain/lane-map.ts';
import { fallbackUse } from '../domain/target.ts';
import type { Lane as LaneId } from '../domain/webhook.ts';
import type { DeliveryQueue, Ownership, Settlement, Wake } from '../store/store.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import type { TemplateSettings } from './build-request.ts';
import { conclude } from './conclude.ts';
import { Gatherer } from './gatherer.ts';
import { type Flight, type LandedAttempt, observeLanding, retriesIn } from './landing.ts';
import { Lane } from './lane.ts';
import { LaneReader } from './lane-reader.ts';
import { LaneTimers } from './lane-timers.ts';
import { Departures, OWNS_EVERYTHING } from './ownership.ts';
import type { SendRequest } from './send-request.ts';
import { Settler } from './settle.ts';
import { Turns } from './turns.ts';

export interface EngineOptions {
  queue: DeliveryQueue;
  /** Which lanes are to be sent from here. Default: all. */
  ownership?: Ownership;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  send: SendRequest;
  template: TemplateSettings;
  /** Told of what should not happen; nothing is lost by it. */
  onError: (error: unknown) => void;
  limits?: Partial<EngineLimits>;
}

export interface EngineLimits {
  /** Attempts in the air, over all webhooks. Default 2,048. */
  maxSending: number;
  /** Outcomes that wait for the disk; nothing new is started above it. Default 4,096. */
  maxUnsettled: number;
  /** Deliveries read ahead for one lane at most. Default 64. */
  readAhead: number;
  /** Bytes of deliveries in memory that wait to be started, over all lanes; above it they are read one by one. Default 4 MiB. */
  maxWaitingBytes: number;
  /** Time between two sweeps over everything that waits. Default one minute. */
  sweepMs: number;
}

const DEFAULT_LIMITS: EngineLimits = {
  maxSending: 2_048,
  maxUnsettled: 4_096,
  readAhead: 64,
  maxWaitingBytes: 4 * 1024 * 1024,
  sweepMs: 60_000,
};
const STORE_RETRY_MS = 1_000;
/** Of a delivery in memory. */
const LIKELY_BYTES = 1_500;
/** Lanes that are read at one time: what they bring counts as waiting only when it is there. */
const MAX_READING = 8;

/**
 * Sends what is owed: the owner of every lane, or of those that the store says.
 *
 * ```
 *   news of a lane ─▶ lane.unread ─▶ in turn ─▶ read what is due ─▶ start ─▶ attempt ─▶ settle ─┐
 *        ▲                              ▲                                         │             │
 *   wake, timer, sweep                  └──── a slot is free, more may be due ◀───┴─────────────┘
 * ```
 *
 * Lanes take turns, one delivery at a time. Reading writes nothing; `settle` alone writes. What is lost by a crash at any
 * step is memory: the rows are found again by the next sweep.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #limits: EngineLimits;
  readonly #settler: Settler;
  readonly #ownership: Ownership;
  readonly #departures = new Departures();
  readonly #reader: LaneReader;
  readonly #gatherer: Gatherer;
  readonly #lanes = new LaneMap<Lane>();
  readonly #turns = new Turns();
  /** When retries come due. */
  readonly #retries: LaneTimers;
  /** When lanes that may not send now may send again. */
  readonly #pauses: LaneTimers;
  readonly #memory = { bytes: 0 };
  /** Deliveries in the air. */
  #sending = 0;
  /** The same, and those whose outcome is being written. */
  #unsettled = 0;
  #reading = 0;
  #running = false;
  #pumpPlanned = false;
  #stopping: Promise<void> | null = null;
  #cancelSweep: () => void = () => {};
  #drained: () => void = () => {};

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#settler = new Settler(options.queue, options.clock);
    this.#ownership = options.ownership ?? OWNS_EVERYTHING;
    this.#reader = new LaneReader({
      queue: options.queue,
      clock: options.clock,
      template: options.template,
      readAhead: () => this.#readAhead,
      wakeAt: (lane, at) => this.#wakeAt(lane, at),
    });
    this.#gatherer = new Gatherer({
      queue: options.queue,
      clock: options.clock,
      onError: options.onError,
      isRoomy: () => this.#isRoomy,
      resume: (lane) => this.resume(lane),
      resumeAt: (lane, at) => {
        if (this.#running) this.#pauses.set(lane, at);
      },
    });
    this.#pauses = new LaneTimers(options.clock, (lane) => this.resume(lane));
    this.#retries = new LaneTimers(options.clock, (lane) => {
      lane.markUnread(DELIVERY_CLASS.retry);
      this.resume(lane);
    });
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#options.queue.onWake((wakes) => this.#onWakes(wakes));
    this.#ownership.onOwnership({
      gained: (isGained) => this.#gained(isGained),
      letGo: (isLost) => this.#letGo(isLost),
    });
    await this.#sweep();
  }

  /**
   * Starts nothing new, and waits for what is in the air. What is not over within `graceMs` is given back: its rows wait as
   * before and are sent again, under the same id.
   */
  async stop(graceMs: number): Promise<void> {
    if (this.#running) {
      this.#running = false;
      this.#stopping = this.#drain(graceMs);
    }
    await this.#stopping;
  }

  async #drain(graceMs: number): Promise<void> {
    this.#cancelSweep();
    this.#retries.clear();
    this.#pauses.clear();
    if (this.#unsettled > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.after(graceMs, resolve);
        this.#drained = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#settler.stop();
  }

  /** Which of these, all of one lane, are in the air, or waiting for their outcome to be written. */
  sendingAmong(id: LaneId, deliveryIds: readonly string[]): string[] {
    const lane = this.#lanes.get(id);
    return lane === undefined ? [] : deliveryIds.filter((deliveryId) => lane.isSending(deliveryId));
  }

  /** Cancels one waiting delivery. `sending`: it is in the air. `missing`: it does not wait. */
  async cancel(id: LaneId, deliveryId: string): Promise<'cancelled' | 'sending' | 'missing'> {
    const lane = this.#lane(id);
    if (lane.isSending(deliveryId)) return 'sending';
    lane.reserve(deliveryId);
    const { queue, clock } = this.#options;
    try {
      const count = await queue.cancel({ lane: id, deliveryId, limit: 1, reason: 'cancelled by request' });
      // News that hands it over may have been on its way while it was cancelled; it may have been put back since, and read.
      clock.after(0, () => {
        lane.unreserve(deliveryId, { isOver: true });
        lane.rewind([DELIVERY_CLASS.recovered]);
        this.resume(lane);
      });
      return count === 1 ? 'cancelled' : 'missing';
    } catch (error) {
      lane.unreserve(deliveryId, { isOver: false });
      // It may have been due before what waits in memory.
      lane.dropWaiting();
      lane.rewind();
      this.#turns.add(lane);
      this.#plan();
      throw error;
    }
  }

  /** The lane with its webhook, for a test send. @returns null if there is no such webhook */
  async configuredLane(id: LaneId): Promise<Lane | null> {
    const lane = this.#lane(id);
    await this.#reader.configure(lane);
    this.resume(lane);
    return lane.webhook === null || lane.webhook.deletedAt !== null ? null : lane;
  }

  /** Gives a lane a turn: what kept it back is over. */
  resume(lane: Lane): void {
    // One that was forgotten meanwhile may have another in its place by now.
    if (this.#lanes.get(lane.id) !== lane) return;
    this.#turns.add(lane);
    this.#plan();
  }

  #lane(id: LaneId): Lane {
    let lane = this.#lanes.get(id);
    if (lane === undefined) {
      lane = new Lane(id, this.#memory);
      this.#lanes.set(id, lane);
    }
    return lane;
  }

  #onWakes(wakes: readonly Wake[]): void {
    for (const wake of wakes) {
      const lane = this.#lane(wake.lane);
      if (wake.changed) lane.stale = true;
      if (wake.first !== null && !this.#accepts(lane, wake)) lane.readFrom(DELIVERY_CLASS.first, wake.first);
      // Put back may be what is older than what was read last.
      if (wake.recovered) lane.rewind([DELIVERY_CLASS.recovered]);
      if (wake.gathering !== null) lane.readFrom(DELIVERY_CLASS.gathering, wake.gathering);
      for (const run of wake.freed) lane.runs.lookAt(run);
      for (const run of wake.putBack) lane.runs.lookIfHeld(run);
      this.#turns.add(lane);
    }
    this.#plan();
  }

  #accepts(lane: Lane, { handedOver }: Wake): boolean {
    if (lane.isLeaving) return false;
    return handedOver !== null && this.#isRoomy && lane.accept(handedOver);
  }

  get #isRoomy(): boolean {
    return this.#memory.bytes < this.#limits.maxWaitingBytes;
  }

  /** Of one lane: all of them share the room, or some would fill it, and the others be read one delivery at a time. */
  get #readAhead(): number {
    if (!this.#isRoomy) return 1;
    const share = this.#limits.maxWaitingBytes / this.#lanes.size / LIKELY_BYTES;
    return Math.max(1, Math.min(this.#limits.readAhead, Math.floor(share)));
  }

  /** What is remembered of these lanes is from before another owner, or from a test. */
  #gained(isGained: (lane: LaneId) => boolean): void {
    for (const lane of this.#lanes.values()) {
      if (!isGained(lane.id) || !lane.isIdle) continue;
      this.#lanes.delete(lane.id);
      // It may wait for its turn since a test: beside the one that takes its place it would send the same.
      this.#turns.remove(lane);
    }
    if (this.#running) void this.#sweep();
  }

  async #letGo(isLost: (lane: LaneId) => boolean): Promise<void> {
    const lost = [...this.#lanes.values()].filter(({ id }) => isLost(id));
    for (const lane of lost) this.#leave(lane);
    await this.#departures.until(lost.filter((lane) => !lane.isIdle));
  }

  /** Starts nothing more of a lane, and forgets it as soon as nothing of it is in the air. */
  #leave(lane: Lane): void {
    lane.isLeaving = true;
    lane.dropWaiting();
    this.#retries.forget(lane);
    this.#pauses.forget(lane);
    if (lane.isIdle) this.#left(lane);
  }

  #left(lane: Lane): void {
    if (this.#lanes.get(lane.id) === lane) this.#lanes.delete(lane.id);
    this.#departures.left(lane);
    // It came back meanwhile: begun anew.
    if (this.#ownership.owns(lane.id)) this.resume(this.#lane(lane.id));
  }

  /** Finds what waits anywhere, whatever became of the news of it, and forgets lanes that have nothing. */
  async #sweep(): Promise<void> {
    let nextMs = this.#limits.sweepMs;
    try {
      for (const lane of this.#lanes.values()) {
        const isPlanned = this.#retries.has(lane) || this.#pauses.has(lane) || lane.awaitsTurn;
        if (!isPlanned && lane.isForgettable(this.#options.clock.now())) this.#lanes.delete(lane.id);
      }
      for (const id of await this.#options.queue.sweep()) {
        const lane = this.#lane(id);
        lane.rewind();
        // That an attempt disabled it could not be written: it goes on, and not before this.
        if (lane.isIdle) lane.disablingEnded();
        this.#turns.add(lane);
      }
      this.#plan();
    } catch (error) {
      // Nothing else would find lanes that came just now.
      nextMs = STORE_RETRY_MS;
      this.#options.onError(error);
    }
    this.#cancelSweep();
    if (this.#running) this.#cancelSweep = this.#options.clock.after(nextMs, () => void this.#sweep());
  }

  #plan(): void {
    if (this.#pumpPlanned || !this.#running) return;
    this.#pumpPlanned = true;
    queueMicrotask(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  /** Gives every lane its turn until none can start anything. */
  #pump(): void {
    while (this.#running && this.#mayStart()) {
      const lane = this.#turns.take();
      if (lane === undefined) return;
      if (this.#turn(lane)) this.#turns.add(lane);
    }
  }

  #mayStart(): boolean {
    return (
      this.#sending < this.#limits.maxSending &&
      this.#reading < MAX_READING &&
      this.#unsettled - this.#sending < this.#limits.maxUnsettled &&
      !this.#settler.isStuck
    );
  }

  /** @returns whether the lane may start another one at once */
  #turn(lane: Lane): boolean {
    if (lane.reading) return false;
    if (lane.isLeaving || !this.#ownership.owns(lane.id)) {
      this.#leave(lane);
      return false;
    }
    if (lane.stale) {
      this.#read(lane, () => this.#reader.configure(lane));
      return false;
    }
    const sender = lane.sender;
    if (sender === null) return false;
    if (sender.webhook.deletedAt !== null) {
      lane.dropWaiting();
      if (lane.isIdle && lane.isUnread) this.#read(lane, () => this.#reader.cancelAll(lane));
      return false;
    }
    if (lane.isStopped) {
      lane.dropWaiting();
      return false;
    }
    const now = this.#options.clock.now();
    const waitsUntil = lane.waitsUntil(now);
    if (waitsUntil > now) {
      if (lane.isClosedOff) lane.dropWaiting();
      this.#pauses.set(lane, waitsUntil);
      return false;
    }
    lane.bringBack(now);
    const read = this.#gatherer.turn(lane, now);
    if (read !== null) {
      this.#read(lane, read);
      return false;
    }
    if (lane.freeSlots <= 0) return false;
    const runs = lane.takeRuns(this.#readAhead);
    if (runs.length > 0) {
      this.#read(lane, () => this.#reader.readRuns(lane, runs));
      return false;
    }
    // First of all, or new ones that are handed over without a read would keep retries from ever being read.
    if (lane.classesToReadNow(now).length > 0) {
      this.#read(lane, () => this.#reader.readDue(lane));
      return false;
    }
    const delivery = lane.takeProbe(now) ?? lane.take(now);
    const leftOutUntil = lane.leftOutUntil(now);
    if (leftOutUntil !== null) this.#pauses.set(lane, leftOutUntil);
    if (delivery === undefined) return lane.classesToReadNow(now).length > 0;
    const way = lane.senderTo(delivery) ?? sender;
    const isProbe = way.destination.circuit.state === 'open';
    void this.#deliver(lane, { ...way, delivery, isProbe, anotherExchange: lane.anotherExchange });
    return true;
  }

  /** Runs one read of a lane, and gives it a turn afterwards. */
  #read(lane: Lane, read: () => Promise<void>): void {
    lane.reading = true;
    this.#reading += 1;
    const ended = () => {
      lane.reading = false;
      this.#reading -= 1;
      this.#plan();
    };
    read().then(
      () => {
        this.#turns.add(lane);
        ended();
      },
      (error: unknown) => {
        this.#options.onError(error);
        lane.rewind();
        this.#wakeAt(lane, this.#options.clock.now() + STORE_RETRY_MS);
        ended();
      },
    );
  }

  /** Gives the lane a turn, and reads its retries, at that instant or before. */
  #wakeAt(lane: Lane, at: number): void {
    if (this.#running) this.#retries.set(lane, at);
  }

  async #deliver(lane: Lane, input: Flight): Promise<void> {
    const { delivery } = input;
    let settlement: Settlement | null = null;
    this.#unsettled += 1;
    try {
      const landed = await this.#attempt(lane, input);
      const outcome = this.#concluded(input, landed);
      // Else the delivery was no longer ours to settle.
      if (await this.#settler.settle(outcome)) settlement = outcome;
      // Also where somebody else has the delivery, so that what the attempt came to is not on disk.
      if (landed.disable !== undefined) lane.disablingEnded();
    } catch (error) {
      this.#options.onError(error);
    }
    lane.forget(delivery.id, delivery);
    this.#unsettled -= 1;
    if (lane.isLeaving && lane.isIdle) this.#left(lane);
    if (settlement !== null && lane.runs.keeps(delivery.run)) {
      lane.runs.lookAt(delivery.run);
      this.#turns.add(lane);
    }
    for (const { dueAt, seq } of retriesIn(settlement)) {
      lane.putOff({ dueAt, seq });
      this.#wakeAt(lane, dueAt);
    }
    if (lane.stale || lane.webhook?.deletedAt !== null) this.#turns.add(lane);
    this.#plan();
    if (!this.#running && this.#unsettled === 0) this.#drained();
  }

  /** In the air: takes up a slot until it is over. */
  async #attempt(lane: Lane, input: Flight): Promise<LandedAttempt> {
    this.#sending += 1;
    try {
      lane.pacer?.start();
      const result = await attemptDelivery(input, this.#options);
      return observeLanding(lane, input, { ...result, now: this.#options.clock.now() });
    } finally {
      this.#sending -= 1;
      lane.landed(input.delivery);
      this.#turns.add(lane);
      this.#plan();
    }
  }

  /** What is to be written. */
  #concluded({ delivery, webhook, template, policy }: Flight, landed: LandedAttempt): Settlement {
    const { clock, random } = this.#options;
    const { record, outcome, excusedUntil, destination, disable } = landed;
    const concluded = conclude(delivery, {
      outcome,
      policy,
      attemptsInSeries: record.number - delivery.seriesFrom,
      fallback: fallbackUse(webhook.config, template.target, delivery),
      excusedUntil,
      now: clock.now(),
      random: random(),
    });
    const settlement: Settlement = { ...concluded, delivery, attempt: record, destination };
    if (disable !== undefined) settlement.disable = disable;
    return settlement;
  }
}
