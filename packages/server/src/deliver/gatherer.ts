import type { Clock } from '../clock.ts';
import { DELIVERY_CLASS } from '../domain/delivery.ts';
import { newId } from '../ids.ts';
import type { DeliveryQueue } from '../store/store.ts';
import type { Opening, ReadyBatch } from './gathering.ts';
import type { Lane } from './lane.ts';

/** Members read at a time: a few dozen bytes each. */
const PAGE = 1_000;
/** Members that go by themselves, moved in one transaction. */
const RELEASE_CHUNK = 500;
const STORE_RETRY_MS = 1_000;

export interface GathererOptions {
  queue: Pick<DeliveryQueue, 'readGathering' | 'formBatch' | 'releaseGathering'>;
  clock: Clock;
  onError: (error: unknown) => void;
  /** Whether memory has room for more than one delivery of a lane. */
  isRoomy: () => boolean;
  /** Gives a lane a turn. */
  resume: (lane: Lane) => void;
  /** Gives a lane a turn at an instant, or before. */
  resumeAt: (lane: Lane, at: number) => void;
}

/**
 * Makes batches of what waits for company, for the owner of the lanes: just as many as can be sent next, so that what waits
 * behind a receiver that is slow, or held, goes on gathering. What is made is a delivery like any other.
 */
export class Gatherer {
  readonly #options: GathererOptions;

  constructor(options: GathererOptions) {
    this.#options = options;
  }

  /** The lane may send. @returns a read that it needs before anything else; null: none */
  turn(lane: Lane, now: number): (() => Promise<void>) | null {
    const { gathering } = lane;
    if (gathering.isOver) return null;
    const opening = this.#opening(lane, now);
    for (const batch of gathering.takeReady(opening)) void this.#form(lane, batch);
    if (gathering.needsRead(opening)) return () => this.#read(lane);
    const at = lane.gathersUntil(now);
    if (at !== null) this.#options.resumeAt(lane, at);
    return null;
  }

  #opening(lane: Lane, now: number): Opening {
    const takes = (route: number | null) => lane.takes(route, now);
    const { ahead, free } = lane.batchRoom;
    const most = this.#options.isRoomy() ? Number.POSITIVE_INFINITY : 1;
    return { now, roomAhead: Math.min(most, ahead), room: Math.min(most, free), takes };
  }

  async #read(lane: Lane): Promise<void> {
    const { queue, clock } = this.#options;
    lane.beginRead(DELIVERY_CLASS.gathering);
    const after = lane.cursor(DELIVERY_CLASS.gathering);
    const read = await queue.readGathering({ lane: lane.id, after, limit: PAGE });
    if (lane.webhook?.config.batch === null) {
      if (read.length > 0) await this.#release(lane);
    } else lane.gathering.add(read, { full: read.length === PAGE, now: clock.now() });
  }

  /** The webhook takes events one by one by now. */
  async #release(lane: Lane): Promise<void> {
    const count = await this.#options.queue.releaseGathering(lane.id, RELEASE_CHUNK);
    // What came in since is at hand, and stands behind them.
    lane.dropWaiting();
    lane.rewind([DELIVERY_CLASS.first]);
    if (count === RELEASE_CHUNK) lane.rewind([DELIVERY_CLASS.gathering]);
  }

  async #form(lane: Lane, batch: ReadyBatch): Promise<void> {
    const { queue, clock, onError, resume, resumeAt } = this.#options;
    const { eventType, route, members } = batch;
    const ids = { id: newId('del'), eventId: newId('evt') };
    try {
      await queue.formBatch({ lane: lane.id, ...ids, eventType, route, members, formedAt: clock.now() });
      // News that hands it over may be on its way: until then it counts as being made.
      clock.after(0, () => {
        lane.gathering.end(batch);
        resume(lane);
      });
    } catch (error) {
      onError(error);
      const until = clock.now() + STORE_RETRY_MS;
      lane.gathering.fail(batch, until);
      resumeAt(lane, until);
    }
  }
}
