import type { Clock } from '../clock.ts';
import { DELIVERY_CLASS, DELIVERY_CLASSES } from '../domain/delivery.ts';
import type { Ordering } from '../domain/ordering.ts';
import type { RateLimit } from '../domain/rate-limit.ts';
import type { DeliveryQueue, DueQuery, HeadsRead } from '../store/store.ts';
import type { TemplateSettings } from './build-request.ts';
import type { Lane } from './lane.ts';
import { Pacer } from './pacer.ts';

/** A batch is so much larger than what it is made of, by a guess, that so many fewer are read ahead. */
const SINGLES_PER_BATCH = 8;
/** Deliveries of a deleted webhook that are cancelled in one transaction. */
const CANCEL_CHUNK = 500;

export interface LaneReaderOptions {
  queue: DeliveryQueue;
  clock: Clock;
  template: TemplateSettings;
  /** Deliveries to read ahead for one lane now, by the room that memory has. */
  readAhead: () => number;
  /** Has the retries of a lane read at an instant, or before. */
  wakeAt: (lane: Lane, at: number) => void;
}

/**
 * Reads, for the owner of the lanes, what a lane keeps in memory: its webhook, and what may be started next. Where reads take
 * time, an answer tells what was so when it was asked: what the lane has become meanwhile decides what of it counts.
 */
export class LaneReader {
  readonly #options: LaneReaderOptions;
  /** Reads of webhooks that are under way. */
  readonly #configuring = new Map<Lane, Promise<void>>();

  constructor(options: LaneReaderOptions) {
    this.#options = options;
  }

  /** Reads the webhook as it is now. One read of a lane after the other, so that a late answer never replaces a newer one. */
  async configure(lane: Lane): Promise<void> {
    for (let other = this.#configuring.get(lane); other !== undefined; other = this.#configuring.get(lane)) {
      await other.catch(() => {});
    }
    if (!lane.stale) return;
    const configuring = this.#load(lane);
    this.#configuring.set(lane, configuring);
    try {
      await configuring;
    } finally {
      this.#configuring.delete(lane);
    }
  }

  async #load(lane: Lane): Promise<void> {
    lane.stale = false;
    try {
      const loaded = await this.#options.queue.loadLane(lane.id);
      if (loaded === null) return;
      await this.#pace(lane, loaded.webhook.config.rate_limit);
      lane.configure(loaded, this.#options.template, this.#options.clock.now());
      // What was read of it is not all that is to be cancelled.
      if (loaded.webhook.deletedAt !== null) lane.rewind();
    } catch (error) {
      lane.stale = true;
      throw error;
    }
  }

  /** Holds the lane to a limit that is new to it, counting what was sent before. */
  async #pace(lane: Lane, limit: RateLimit | null): Promise<void> {
    if (limit === null) {
      lane.pacer = null;
      return;
    }
    const known = lane.pacer?.limit;
    if (known?.limit === limit.limit && known.period === limit.period) return;
    const { queue, clock } = this.#options;
    const now = clock.now();
    // Those of what is in the air are not recorded yet, or not for a read that begins now.
    const unrecorded = Array.from({ length: lane.unsettled }, () => now);
    const sent = await queue.exchangesSince(lane.id, now - limit.period * 1000);
    lane.pacer = new Pacer(limit, { clock, ages: [...sent, ...unrecorded].map((at) => Math.max(0, now - at)) });
  }

  /** What may be started next, class by class. */
  async readDue(lane: Lane): Promise<void> {
    const { queue, clock, readAhead } = this.#options;
    const ahead = Math.ceil(readAhead() / (lane.webhook?.config.batch === null ? 1 : SINGLES_PER_BATCH));
    const limit = lane.probesWithAny ? 1 : ahead;
    for (const deliveryClass of lane.classesToReadNow(clock.now())) {
      // Only retries are ever due later; the others are due from the moment they were written.
      const isRetry = deliveryClass === DELIVERY_CLASS.retry;
      const dueBy = isRetry ? clock.now() : Number.MAX_SAFE_INTEGER;
      lane.beginRead(deliveryClass);
      const query = { lane: lane.id, class: deliveryClass, after: lane.cursor(deliveryClass), dueBy, limit };
      const { ordering } = lane.runs;
      const { heads, through, hasMore } = await this.#readHeads(query, ordering);
      // Its webhook keeps another order by now: all is read again.
      if (!lane.runs.isKeeping(ordering)) return;
      lane.add(deliveryClass, heads, { full: hasMore, through });
      if (!isRetry || hasMore) continue;
      const dueAt = await queue.nextDueAt(lane.id, dueBy);
      if (dueAt !== null) this.#options.wakeAt(lane, dueAt);
    }
  }

  /** Without an order, each is the head of a run of its own. */
  async #readHeads(query: DueQuery, ordering: Ordering | null): Promise<HeadsRead> {
    const { queue } = this.#options;
    if (ordering !== null) return await queue.readHeads({ ...query, onExhausted: ordering.on_exhausted });
    const heads = await queue.readDue(query);
    return { heads, through: heads.at(-1) ?? null, hasMore: heads.length === query.limit };
  }

  /** The heads of these runs. */
  async readRuns(lane: Lane, runs: readonly string[]): Promise<void> {
    const { queue, clock } = this.#options;
    const { ordering } = lane.runs;
    const onExhausted = ordering?.on_exhausted ?? 'block';
    lane.beginReadOfRuns();
    const heads = await queue.headsOf({ lane: lane.id, runs, onExhausted, dueBy: clock.now() });
    if (lane.runs.isKeeping(ordering)) lane.admit(heads);
  }

  /** Cancels what a deleted webhook is owed, in its turn. */
  async cancelAll(lane: Lane): Promise<void> {
    for (const deliveryClass of DELIVERY_CLASSES) lane.beginRead(deliveryClass);
    const reason = 'the webhook was deleted';
    const count = await this.#options.queue.cancel({ lane: lane.id, limit: CANCEL_CHUNK, reason });
    if (count === CANCEL_CHUNK) lane.rewind();
  }
}
