import { type BatchConfig, bytesAroundData, bytesAroundMembers, MAX_BATCH_BYTES } from '../domain/batch.ts';
import { DELIVERY_CLASS } from '../domain/delivery.ts';
import type { GatheringMember } from '../store/store.ts';
import type { ReadProgress } from './read-progress.ts';

/** How many members of one type and route are kept in memory; of those that cannot go now, more are read again later. */
export const MOST_OF_A_KIND = 2_000;

/** The members of a batch that is to be made. */
export interface ReadyBatch {
  eventType: string;
  route: number | null;
  members: readonly GatheringMember[];
}

/** What a batch may be made for at this moment. */
export interface Opening {
  now: number;
  /** How many batches may be made: of full ones, so that they are there when those in the air are done with. */
  roomAhead: number;
  /** The same of others, which would only grow while they wait. */
  room: number;
  /** Whether what goes this route may be sent now. */
  takes: (route: number | null) => boolean;
}

/**
 * The members of a lane that wait for company, in groups of one type and route, without their data. All of it is read from rows.
 *
 * ```
 *   read ──add()──▶ in a group ──takeReady()──▶ being made into a batch ──end()──▶ gone
 *                       │    full, or the first has waited for long enough
 *                       └──clear(), remove()──▶ forgotten, and read again if it still waits
 * ```
 *
 * A group that is not full is ready only when everything was read that was there when its time came: after a restart it would
 * otherwise go with the few that were read first.
 */
export class Gathering {
  readonly #webhookId: string;
  /** Of its lane; the class of those that gather is one of several. */
  readonly #progress: ReadProgress;
  #config: BatchConfig | null = null;
  readonly #groups = new Map<string, Group>();
  /** By `seq`: those in groups, and those being made into a batch. */
  readonly #known = new Set<number>();
  /** More is there to be read, whatever else comes in. */
  #isBehind = true;
  #forming = 0;
  /** The store could not make a batch. */
  #pausedUntil = 0;

  constructor(webhookId: string, progress: ReadProgress) {
    this.#webhookId = webhookId;
    this.#progress = progress;
  }

  /** @param config null: nothing gathers any more */
  configure(config: BatchConfig | null): void {
    const { size, timeout } = this.#config ?? {};
    if (size === config?.size && timeout === config?.timeout) return;
    this.#config = config;
    if (config === null) this.clear();
    for (const group of this.#groups.values()) this.#measure(group, { anew: true });
  }

  /** Batches being made. */
  get forming(): number {
    return this.#forming;
  }

  get isIdle(): boolean {
    return this.#known.size === 0;
  }

  /** Nothing gathers, and nothing is there to be read. */
  get isOver(): boolean {
    return this.isIdle && !this.#progress.isUnread(DELIVERY_CLASS.gathering);
  }

  /** Something may be there that was not read, and no batch that may go now is complete without it. */
  needsRead({ now, takes }: Opening): boolean {
    if (!this.#progress.isUnread(DELIVERY_CLASS.gathering) || now < this.#pausedUntil) return false;
    for (const group of this.#groups.values()) if (group.isFull && takes(group.route)) return false;
    return true;
  }

  /** @param full the read stopped at its limit, so there is more */
  add(read: readonly GatheringMember[], { full, now }: { full: boolean; now: number }): void {
    this.#progress.cameTo(DELIVERY_CLASS.gathering, read.at(-1));
    if (full) this.#progress.markUnread(DELIVERY_CLASS.gathering);
    this.#isBehind = full;
    const grown = new Set<Group>();
    for (const member of read) {
      if (this.#known.has(member.seq)) continue;
      const group = this.#groupOf(member);
      if (group.members.length >= MOST_OF_A_KIND) {
        group.isCut = true;
        continue;
      }
      this.#known.add(member.seq);
      // With a clock that was set back it does not wait for longer than it has to.
      group.members.push(member.createdAt > now ? { ...member, createdAt: now } : member);
      grown.add(group);
    }
    for (const group of grown) this.#measure(group);
  }

  /** Takes out batches that are ready, the one that waits for longest first. */
  takeReady({ now, roomAhead, room, takes }: Opening): ReadyBatch[] {
    if (now < this.#pausedUntil) return [];
    const taken: ReadyBatch[] = [];
    while (taken.length < roomAhead) {
      let oldest: Group | null = null;
      for (const group of this.#groups.values()) {
        const isDue = !this.#isBehind && this.#dueAt(group) <= now && taken.length < room;
        const isReady = group.isFull || isDue;
        if (isReady && takes(group.route) && (oldest === null || group.oldestAt < oldest.oldestAt)) oldest = group;
      }
      if (oldest === null) break;
      taken.push(this.#take(oldest));
    }
    return taken;
  }

  #take(group: Group): ReadyBatch {
    const { eventType, route } = group;
    const members = group.members.splice(0, group.count);
    this.#measure(group, { anew: true });
    if (group.isCut && !group.isFull) {
      group.isCut = false;
      this.#isBehind = true;
      this.#progress.rewind([DELIVERY_CLASS.gathering]);
    }
    if (group.members.length === 0) this.#groups.delete(keyOf(group));
    this.#forming += 1;
    return { eventType, route, members };
  }

  /** A batch is made, and the lane has heard of it; or none of its members waited any more. */
  end({ members }: ReadyBatch): void {
    this.#forming -= 1;
    for (const { seq } of members) this.#known.delete(seq);
  }

  /** A batch could not be made: all is read again, so that it is in order, and nothing is tried until then. */
  fail(batch: ReadyBatch, until: number): void {
    this.end(batch);
    this.#pausedUntil = until;
    this.clear();
    this.#readAgain();
  }

  /** The next instant at which a group that may go then is ready without growing; null: there is none. */
  nextReadyAt(now: number): number | null {
    let next: number | null = null;
    for (const group of this.#groups.values()) {
      const at = this.#dueAt(group);
      if (at > now) next = Math.min(next ?? at, at);
    }
    return next;
  }

  /** The routes of those groups that are ready, or over their time. */
  *routesReady(now: number): Iterable<number | null> {
    for (const group of this.#groups.values()) if (group.isFull || this.#dueAt(group) <= now) yield group.route;
  }

  /** A member is about to be cancelled. */
  remove(id: string): void {
    for (const group of this.#groups.values()) {
      const position = group.members.findIndex((member) => member.id === id);
      if (position < 0) continue;
      for (const { seq } of group.members.splice(position, 1)) this.#known.delete(seq);
      this.#measure(group, { anew: true });
      if (group.members.length === 0) this.#groups.delete(keyOf(group));
    }
  }

  /** Forgets what is in groups: the webhook takes nothing for now. @returns false if there was nothing */
  clear(): boolean {
    if (this.#groups.size === 0) return false;
    for (const { members } of this.#groups.values()) for (const { seq } of members) this.#known.delete(seq);
    this.#groups.clear();
    this.#readAgain();
    return true;
  }

  #readAgain(): void {
    this.#isBehind = true;
    this.#progress.rewind([DELIVERY_CLASS.gathering]);
  }

  #groupOf({ eventType, route }: GatheringMember): Group {
    const key = keyOf({ eventType, route });
    let group = this.#groups.get(key);
    if (group === undefined) {
      const bytesAround = bytesAroundMembers(eventType, this.#webhookId);
      const bytesEach = bytesAroundData(eventType, this.#webhookId);
      group = { eventType, route, bytesAround, bytesEach, members: [], isCut: false, ...NOTHING_MEASURED };
      this.#groups.set(key, group);
    }
    return group;
  }

  #dueAt({ oldestAt }: Group): number {
    return oldestAt + (this.#config?.timeout ?? 0) * 1000;
  }

  /** How many of the first ones make a batch. */
  #measure(group: Group, { anew = false } = {}): void {
    if (anew) Object.assign(group, NOTHING_MEASURED);
    const size = this.#config?.size ?? 1;
    if (group.count === 0) group.bytes = group.bytesAround;
    for (
      let next = group.members[group.count];
      next !== undefined && !group.isFull;
      next = group.members[group.count]
    ) {
      const bytes = group.bytesEach + next.id.length + next.dataBytes;
      if (group.count > 0 && group.bytes + bytes > MAX_BATCH_BYTES) {
        group.isFull = true;
        break;
      }
      group.count += 1;
      group.bytes += bytes;
      group.oldestAt = Math.min(group.oldestAt, next.createdAt);
      group.isFull = group.count >= size;
    }
  }
}

interface Group {
  eventType: string;
  route: number | null;
  /** What a batch of it takes beside its members, and each of them beside id and data. */
  bytesAround: number;
  bytesEach: number;
  /** In the order in which they came. */
  readonly members: GatheringMember[];
  /** More were read than are kept. */
  isCut: boolean;
  /** How many of them are in the next batch, and what that is then. */
  count: number;
  bytes: number;
  oldestAt: number;
  /** No more go into it. */
  isFull: boolean;
}

const NOTHING_MEASURED = { count: 0, bytes: 0, oldestAt: Number.POSITIVE_INFINITY, isFull: false };

function keyOf({ eventType, route }: Pick<Group, 'eventType' | 'route'>): string {
  return `${eventType} ${route}`;
}
