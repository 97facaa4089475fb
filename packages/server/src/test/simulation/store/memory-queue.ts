import { lastStatusOf } from '../../../domain/attempt.ts';
import { DELIVERY_CLASS, SENT_CLASSES } from '../../../domain/delivery.ts';
import { NO_HOLD } from '../../../domain/hold.ts';
import { ownUrls } from '../../../domain/target.ts';
import { type Lane, laneKey } from '../../../domain/webhook.ts';
import type { DeliveryQueue, DueQuery, QueuedDelivery, Settlement } from '../../../store/store.ts';
import { isLane, keyOf, type QueueRow } from './disk.ts';
import { memoryBatches } from './memory-batches.ts';
import type { DeliveryTables } from './memory-deliveries.ts';
import { versionsOf } from './memory-directory.ts';
import { isHead } from './memory-heads.ts';
import type { MemoryParts } from './memory-parts.ts';

/** Few, so that a simulation comes across a run that is longer. */
const LOOKED_AT = 5;

/** What is owed, as the SQLite driver does it: the fence is the row where it was read. */
export function memoryQueue(parts: MemoryParts, rows: DeliveryTables): DeliveryQueue {
  const { disk, clock, group, wakes, counters, dueNow, lastSeqOnDisk, isOurs } = parts;
  const batches = memoryBatches(parts, rows);
  const holdOf = (lane: Lane) => disk.holds.get(keyOf(lane.workspaceId, lane.webhookId))?.hold ?? NO_HOLD;

  const disable = (lane: Lane, url: string, { reason, at }: NonNullable<Settlement['disable']>) => {
    const hold = holdOf(lane);
    const config = versionsOf(disk, lane).at(-1)?.config;
    if (hold.disabledAt !== null || hold.resumedAt >= at || !config || !ownUrls(config).includes(url)) return;
    disk.holds.put(keyOf(lane.workspaceId, lane.webhookId), {
      lane,
      hold: { ...hold, disabledAt: at, disabledReason: reason },
    });
    rows.note(lane, 'webhook.disabled', `${reason} at ${url}`);
  };

  const settle = (settlement: Settlement): boolean => {
    const { delivery, attempt, next, destination, disable: disabling, successors = [] } = settlement;
    const { lane, id } = delivery;
    const row = rows.find(lane, id);
    if (!isOurs(lane) || row === undefined || !rows.dequeue(lane, id, delivery)) return false;
    const progress = { attempts: attempt.number, lastStatus: lastStatusOf(attempt) };
    if (next.state === 'pending') {
      const place = { class: DELIVERY_CLASS.retry, dueAt: next.dueAt };
      const uncharged = next.uncharged === true ? 1 : 0;
      const series = next.atFallback
        ? { seriesFrom: attempt.number, atFallback: true }
        : { seriesFrom: row.seriesFrom + uncharged };
      rows.requeue(row, place, { ...progress, ...series, reason: attempt.reason });
      counters.settledRetried += 1;
    } else {
      rows.finish(row, { ...progress, state: next.state, reason: next.state === 'delivered' ? null : next.reason });
      counters.pending -= 1;
      if (next.state === 'delivered') counters.settledDelivered += 1;
      else if (next.state === 'failed') counters.settledFailed += 1;
      else counters.settledCancelled += 1;
    }
    rows.addAttempt(row.key, attempt);
    rows.learn(lane, destination, attempt.webhookVersion);
    if (disabling !== undefined) disable(lane, attempt.url, disabling);
    for (const successor of successors) batches.succeed(row, successor, progress.lastStatus);
    return true;
  };

  const cancel = ({ lane, deliveryId, limit, reason }: Parameters<DeliveryQueue['cancel']>[0]): number => {
    const named = deliveryId === undefined ? null : keyOf(lane.workspaceId, deliveryId);
    const waiting = inLane(lane).filter(({ key }) => named === null || key === named);
    const found = (named === null ? waiting.slice(0, limit) : waiting).flatMap(
      ({ key }) => disk.deliveries.get(key) ?? [],
    );
    const failed = deliveryId === undefined ? undefined : rows.find(lane, deliveryId);
    const cancelled = failed?.state === 'failed' && failed.run !== null ? [failed] : found;
    for (const row of cancelled) {
      if (disk.queue.delete(row.key)) counters.pending -= 1;
      rows.finish(row, { ...row, state: 'cancelled', reason });
      wakes.addRun(lane, 'freed', row.run);
    }
    counters.settledCancelled += cancelled.length;
    return cancelled.length;
  };

  const requeue = (lane: Lane, deliveryId: string): boolean => {
    const row = rows.find(lane, deliveryId);
    if ((row?.state !== 'failed' && row?.state !== 'cancelled') || batches.isSpent(row)) return false;
    const series = { seriesFrom: row.attempts, atFallback: false };
    rows.requeue(row, { class: DELIVERY_CLASS.recovered, dueAt: dueNow() }, series);
    counters.deliveriesPutBack += 1;
    counters.pending += 1;
    wakes.add(lane, 'recovered');
    wakes.addRun(lane, 'putBack', row.run);
    return true;
  };

  const replay = (lane: Lane, deliveryId: string, newDeliveryId: string): boolean => {
    const row = rows.find(lane, deliveryId);
    if (row === undefined || batches.isOwed(row)) return false;
    const place = { class: DELIVERY_CLASS.recovered, dueAt: dueNow() };
    const { event, route, run, payload } = row;
    const decided = { route, run, payload };
    rows.create({ lane, id: newDeliveryId, event, origin: 'replay', createdAt: clock.now(), ...decided, ...place });
    counters.deliveriesCreated += 1;
    counters.pending += 1;
    wakes.add(lane, 'recovered');
    wakes.addRun(lane, 'putBack', run);
    return true;
  };

  return {
    onWake: (listener) => wakes.listen(listener),
    async sweep() {
      const lanes = disk.queue.all().map(({ lane }) => [laneKey(lane), lane] as const);
      return [...new Map(lanes).values()];
    },
    async loadLane(lane) {
      const webhook = versionsOf(disk, lane).at(-1);
      if (webhook === undefined) return null;
      return { webhook, hold: holdOf(lane), destinations: rows.destinations(lane) };
    },
    async exchangesSince(lane, after) {
      const ofLane = disk.deliveries.all().filter((row) => isLane(row.lane, lane));
      const exchanges = ofLane.flatMap(({ key }) => disk.attempts.get(key) ?? []).flatMap((one) => one.exchanges);
      return exchanges.map(({ sentAt }) => sentAt).filter((at) => at > after);
    },
    readDue: async (query) => readDue(query),
    readHeads: async (query) => {
      const looked = readDue({ ...query, limit: LOOKED_AT });
      const heads = looked.filter((delivery) => isHead(disk, delivery, query.onExhausted)).slice(0, query.limit);
      const isFull = heads.length === query.limit;
      const through = (isFull ? heads : looked).at(-1) ?? null;
      return { heads, through, hasMore: isFull || looked.length === LOOKED_AT };
    },
    headsOf: async ({ lane, runs, onExhausted, dueBy }) =>
      SENT_CLASSES.flatMap((each) =>
        readDue({ lane, class: each, after: null, dueBy, limit: Number.POSITIVE_INFINITY }),
      ).filter((one) => one.run !== null && runs.includes(one.run) && isHead(disk, one, onExhausted)),
    async nextDueAt(lane, after) {
      const retries = inLane(lane).filter((row) => row.class === DELIVERY_CLASS.retry && row.dueAt > after);
      return retries.length === 0 ? null : Math.min(...retries.map(({ dueAt }) => dueAt));
    },
    ...batches.queue,
    settle: (settlement) => group.run(() => settle(settlement)),
    cancel: (cancellation) => group.run(() => cancel(cancellation)),
    requeue: (lane, deliveryId) => group.run(() => requeue(lane, deliveryId)),
    replay: (lane, deliveryId, newDeliveryId) => group.run(() => replay(lane, deliveryId, newDeliveryId)),
  };

  function inLane(lane: Lane): QueueRow[] {
    return disk.queue.all().filter((row) => isLane(row.lane, lane));
  }

  function readDue({ lane, class: deliveryClass, after, dueBy, limit }: DueQuery): QueuedDelivery[] {
    const last = lastSeqOnDisk();
    return inLane(lane)
      .filter((row) => row.class === deliveryClass && row.dueAt <= dueBy && row.seq <= last)
      .filter((row) => after === null || row.dueAt > after.dueAt || (row.dueAt === after.dueAt && row.seq > after.seq))
      .toSorted((a, b) => a.dueAt - b.dueAt || a.seq - b.seq)
      .slice(0, limit)
      .flatMap((place) => queued(place) ?? []);
  }

  function queued({ key, seq, class: deliveryClass, dueAt }: QueueRow): QueuedDelivery | null {
    if (deliveryClass === DELIVERY_CLASS.gathering) return null;
    const row = disk.deliveries.get(key);
    const event = row && disk.events.get(row.event);
    if (row === undefined || event === undefined) return null;
    const { lane, id, createdAt, origin, attempts, seriesFrom, route, run, atFallback, payload } = row;
    const { id: eventId, type, occurredAt, dataText } = event;
    const sent = { id: eventId, type, occurredAt, dataText };
    const soFar = { attempts, seriesFrom, route, run, atFallback, payload };
    return { lane, seq, id, class: deliveryClass, dueAt, createdAt, origin, ...soFar, event: sent };
  }
}
