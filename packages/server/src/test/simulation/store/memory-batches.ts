import { BATCH_TYPE } from '../../../domain/batch.ts';
import { DELIVERY_CLASS } from '../../../domain/delivery.ts';
import type { Direction } from '../../../domain/target.ts';
import { thinDataText } from '../../../domain/thin-data.ts';
import type { Lane } from '../../../domain/webhook.ts';
import type { DeliveryQueue, GatheringMember, NewBatch, SuccessorBatch } from '../../../store/store.ts';
import { type DeliveryRow, isLane, keyOf, type QueueRow } from './disk.ts';
import type { DeliveryTables } from './memory-deliveries.ts';
import type { MemoryParts } from './memory-parts.ts';

type GatheringQueue = Pick<DeliveryQueue, 'readGathering' | 'formBatch' | 'releaseGathering'>;
type Carrier = Pick<SuccessorBatch, 'id' | 'eventId' | 'dataText' | 'formedAt'> & Direction;

/** Batches, as the SQLite driver makes them, with texts of its own. */
export function memoryBatches(parts: MemoryParts, rows: DeliveryTables) {
  const { disk, group, wakes, counters, dueNow, lastSeqOnDisk } = parts;

  const gatheringIn = (lane: Lane): QueueRow[] =>
    disk.queue
      .all()
      .filter((row) => row.class === DELIVERY_CLASS.gathering && isLane(row.lane, lane))
      .toSorted((a, b) => a.dueAt - b.dueAt || a.seq - b.seq);
  const rowOf = ({ key }: QueueRow): DeliveryRow => disk.deliveries.get(key) ?? missing();

  const addEvent = ({ workspaceId }: Lane, { eventId: id, dataText, formedAt }: Carrier) => {
    const revision = disk.workspaces.get(workspaceId)?.revision ?? 0;
    const times = { occurredAt: formedAt, acceptedAt: formedAt };
    const event = { workspaceId, id, type: BATCH_TYPE, ...times, runId: null, revision, dataText };
    disk.events.insert(keyOf(workspaceId, id), event);
    return event;
  };

  const addFirst = (lane: Lane, batch: Carrier): string => {
    const event = addEvent(lane, batch);
    const { id, route, atFallback, formedAt: createdAt } = batch;
    const place = { class: DELIVERY_CLASS.first, dueAt: dueNow() };
    const created = { ...AS_A_BATCH, lane, id, createdAt, route, atFallback, ...place };
    const seq = rows.create({ ...created, event: keyOf(lane.workspaceId, event.id) });
    wakes.addFirst({ ...created, seq, attempts: 0, seriesFrom: 0, event });
    counters.deliveriesCreated += 1;
    counters.pending += 1;
    return keyOf(lane.workspaceId, id);
  };

  const form = ({ lane, members, ...batch }: NewBatch): number => {
    const waiting = gatheringIn(lane);
    const found = members.flatMap(({ dueAt, seq }) => {
      const place = waiting.find((row) => row.seq === seq && row.dueAt === dueAt);
      return place === undefined ? [] : [rowOf(place)];
    });
    if (found.length === 0) return 0;
    const bodies = found.map(({ id, event, payload }) => {
      const { type, occurredAt, dataText: all } = disk.events.get(event) ?? missing();
      const dataText = payload === 'thin' ? thinDataText(type, all) : all;
      const head = { event: type, timestamp: new Date(occurredAt).toISOString(), webhook_id: lane.webhookId };
      return { ...head, delivery_id: id, data: JSON.parse(dataText) as unknown };
    });
    const data = { event_type: batch.eventType, count: bodies.length, events: bodies };
    const key = addFirst(lane, { ...batch, atFallback: false, dataText: JSON.stringify(data) });
    for (const row of found) {
      disk.queue.delete(row.key);
      disk.deliveries.put(row.key, { ...row, state: 'batched', batch: key, dueAt: null });
    }
    counters.deliveriesBatched += found.length;
    counters.pending -= found.length;
    return found.length;
  };

  const release = (lane: Lane, limit: number): number => {
    const released = gatheringIn(lane).slice(0, limit);
    for (const place of released) {
      disk.queue.put(place.key, { ...place, class: DELIVERY_CLASS.first });
      disk.deliveries.put(place.key, { ...rowOf(place), class: DELIVERY_CLASS.first });
    }
    return released.length;
  };

  const queue: GatheringQueue = {
    async readGathering({ lane, after, limit }): Promise<GatheringMember[]> {
      const isBehind = (row: QueueRow) =>
        after === null || row.dueAt > after.dueAt || (row.dueAt === after.dueAt && row.seq > after.seq);
      const found = gatheringIn(lane).filter((row) => row.seq <= lastSeqOnDisk() && isBehind(row));
      return found.slice(0, limit).map((place) => {
        const { id, route, createdAt, event } = rowOf(place);
        const { type: eventType, dataText } = disk.events.get(event) ?? missing();
        const dataBytes = Buffer.byteLength(dataText);
        return { seq: place.seq, dueAt: place.dueAt, id, route, createdAt, eventType, dataBytes };
      });
    },
    formBatch: (batch) => group.run(() => form(batch)),
    releaseGathering: (lane, limit) => group.run(() => release(lane, limit)),
  };

  return {
    queue,

    /** Another batch takes over members of one whose outcome is being written. */
    succeed(from: DeliveryRow, successor: SuccessorBatch, lastStatus: number | null): void {
      const { lane, route } = from;
      const { id, formedAt: createdAt, attemptsUsed, atFallback, start } = successor;
      const key = keyOf(lane.workspaceId, id);
      if (start === 'at once') addFirst(lane, { ...successor, route });
      else {
        const event = addEvent(lane, { ...successor, route });
        const made = { ...AS_A_BATCH, lane, id, createdAt, route, atFallback };
        const created = { ...made, event: keyOf(lane.workspaceId, event.id) };
        if (start.state === 'failed') rows.createFinished({ ...created, ...start, attempts: 0, lastStatus });
        else rows.create({ ...created, class: DELIVERY_CLASS.retry, dueAt: start.dueAt, seriesFrom: 0 - attemptsUsed });
        counters.deliveriesCreated += 1;
        if (start.state === 'failed') counters.settledFailed += 1;
        else counters.pending += 1;
      }
      for (const row of disk.deliveries.all()) {
        const isMoved = row.batch === from.key && successor.members.includes(row.id);
        if (isMoved) disk.deliveries.put(row.key, { ...row, batch: key });
      }
    },

    /** The members of a batch went on in others. */
    isSpent: ({ key, origin }: DeliveryRow): boolean =>
      origin === 'batch' && !disk.deliveries.all().some(({ batch }) => batch === key),

    /** It waits, by itself or in a batch. */
    isOwed: ({ state, batch }: DeliveryRow): boolean =>
      (state === 'batched' ? disk.deliveries.get(batch ?? '')?.state : state) === 'pending',
  };
}

/** What it carries is thin where its members are, and not once more as a whole. */
const AS_A_BATCH = { origin: 'batch', run: null, payload: 'full' } as const;

function missing(): never {
  throw new Error('what is in the queue has a delivery and an event');
}
