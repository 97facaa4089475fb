import type { DatabaseSync } from 'node:sqlite';
import { BATCH_TYPE, batchDataText } from '../../domain/batch.ts';
import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import { deliveryBody } from '../../domain/delivery-body.ts';
import type { RecordedEvent } from '../../domain/event.ts';
import type { Direction } from '../../domain/target.ts';
import type { Lane } from '../../domain/webhook.ts';
import { payloadOf } from '../rows/delivery-row.ts';
import type { GatheringMember, GatheringQuery, NewBatch, StoreCounters, SuccessorBatch } from '../store.ts';
import type { WakeList } from '../wake-list.ts';
import { allRows, oneRow } from './database.ts';
import type { DeliveryRow, DeliveryRows } from './delivery-rows.ts';
import type { EventRows } from './event-rows.ts';
import type { RowNumbers } from './row-numbers.ts';

const GATHERING = DELIVERY_CLASS.gathering;

/** Members that wait for company, and the batches that carry them. What writes runs inside the caller's transaction. */
export class BatchRows {
  readonly #options: BatchRowsOptions;
  readonly #findRevision;
  readonly #read;
  readonly #waiting;
  readonly #dequeue;
  readonly #join;
  readonly #move;
  readonly #hasMembers;
  readonly #stateOf;
  readonly #oldest;
  readonly #leave;
  readonly #enqueueFirst;
  readonly #markFirst;

  constructor(options: BatchRowsOptions) {
    const { database } = options;
    this.#options = options;
    this.#findRevision = database.prepare('SELECT revision FROM workspaces WHERE id = ?');
    this.#read = database.prepare(`
      SELECT q.due_at, q.delivery, d.id, d.route, d.created_at, e.type, octet_length(e.data) AS bytes
      FROM queue q JOIN deliveries d ON d.seq = q.delivery JOIN events e ON e.seq = d.event
      WHERE q.lane = ? AND q.class = ${GATHERING} AND (q.due_at, q.delivery) > (?, ?) AND q.delivery <= ?
      ORDER BY q.due_at, q.delivery LIMIT ?`);
    // Places are a JSON list of [due_at, delivery]; the outer loop goes over it, the others are look-ups.
    this.#waiting = database.prepare(`
      SELECT d.seq, d.id, d.thin, e.type, e.occurred_at, e.data
      FROM json_each(:places) p
        CROSS JOIN queue q ON q.lane = :lane AND q.class = ${GATHERING}
          AND q.due_at = p.value ->> 0 AND q.delivery = p.value ->> 1
        CROSS JOIN deliveries d ON d.seq = q.delivery
        CROSS JOIN events e ON e.seq = d.event
      ORDER BY p.key`);
    this.#dequeue = database.prepare(`
      DELETE FROM queue WHERE (lane, class, due_at, delivery) IN
        (SELECT :lane, ${GATHERING}, value ->> 0, value ->> 1 FROM json_each(:places))`);
    this.#join = database.prepare(`
      UPDATE deliveries SET state = 'batched', batch = :batch, due_at = NULL
      WHERE seq IN (SELECT value FROM json_each(:members))`);
    this.#move = database.prepare(`
      UPDATE deliveries SET batch = :to
      WHERE batch = :from AND workspace = :workspace AND id IN (SELECT value FROM json_each(:members))`);
    this.#hasMembers = database.prepare('SELECT 1 FROM deliveries WHERE batch = ? LIMIT 1');
    this.#stateOf = database.prepare('SELECT state FROM deliveries WHERE seq = ?');
    this.#oldest = database.prepare(`
      SELECT delivery FROM queue WHERE lane = ? AND class = ${GATHERING} ORDER BY due_at, delivery LIMIT ?`);
    this.#leave = database.prepare(`
      DELETE FROM queue WHERE (lane, class, due_at, delivery) IN (
        SELECT :lane, ${GATHERING}, due_at, seq FROM json_each(:members) CROSS JOIN deliveries ON seq = value)`);
    this.#enqueueFirst = database.prepare(`
      INSERT INTO queue (lane, class, due_at, delivery)
      SELECT :lane, ${DELIVERY_CLASS.first}, due_at, seq FROM deliveries
      WHERE seq IN (SELECT value FROM json_each(:members))`);
    this.#markFirst = database.prepare(`
      UPDATE deliveries SET class = ${DELIVERY_CLASS.first} WHERE seq IN (SELECT value FROM json_each(:members))`);
  }

  read({ lane, after, limit }: GatheringQuery, lastSeq: number): GatheringMember[] {
    const { dueAt, seq } = after ?? { dueAt: -1, seq: 0 };
    const number = this.#options.numbers.findLane(lane);
    return allRows<GatheringRow>(this.#read, number, dueAt, seq, lastSeq, limit).map((row) => ({
      seq: row.delivery,
      id: row.id,
      dueAt: row.due_at,
      createdAt: row.created_at,
      eventType: row.type,
      route: row.route,
      dataBytes: row.bytes,
    }));
  }

  /** @returns how many members it has; 0: there is no batch */
  form({ lane, members, ...batch }: NewBatch): number {
    const { counters, numbers } = this.#options;
    const places = JSON.stringify(members.map(({ dueAt, seq }) => [dueAt, seq]));
    const number = numbers.findLane(lane);
    const rows = this.#waiting.all({ places, lane: number }) as unknown as WaitingRow[];
    if (rows.length === 0) return 0;
    const bodies = rows.map((row) => {
      const { id: deliveryId, type, occurred_at: occurredAt, data: dataText } = row;
      const event = { type, occurredAt, dataText };
      return deliveryBody({ webhookId: lane.webhookId, deliveryId, event, payload: payloadOf(row) });
    });
    this.#dequeue.run({ places, lane: number });
    const seq = this.#addFirst(lane, { ...batch, atFallback: false, dataText: batchDataText(batch.eventType, bodies) });
    this.#join.run({ batch: seq, members: JSON.stringify(rows.map((row) => row.seq)) });
    counters.deliveriesBatched += rows.length;
    counters.pending -= rows.length;
    return rows.length;
  }

  /**
   * Another batch takes over members from one whose outcome is being written.
   * @returns the event that it carries
   */
  succeed(
    lane: Lane,
    successor: SuccessorBatch,
    { seq: from, route, lastStatus }: { seq: number; route: number | null; lastStatus: number | null },
  ): RecordedEvent {
    const { rows, eventRows, numbers, counters } = this.#options;
    const { id, formedAt: createdAt, attemptsUsed, atFallback, start } = successor;
    const event = this.#eventOf(lane, successor);
    const made = { ...AS_A_BATCH, lane, id, createdAt, route, atFallback };
    let to: number;
    if (start === 'at once') to = this.#addFirst(lane, { ...successor, route });
    else if (start.state === 'failed') {
      const ended = { attempts: 0, state: start.state, reason: start.reason, lastStatus };
      to = rows.createFinished({ ...made, event: eventRows.add(event), ...ended });
      counters.settledFailed += 1;
      counters.deliveriesCreated += 1;
    } else {
      const place = { class: DELIVERY_CLASS.retry, dueAt: start.dueAt, seriesFrom: -attemptsUsed };
      to = rows.create({ ...made, event: eventRows.add(event), ...place });
      counters.deliveriesCreated += 1;
      counters.pending += 1;
    }
    const members = JSON.stringify(successor.members);
    this.#move.run({ from, to, workspace: numbers.ofWorkspace(lane.workspaceId), members });
    return event;
  }

  /** A batch is due at once, as a first attempt. @returns its `seq` */
  #addFirst(lane: Lane, batch: Carrier & Direction): number {
    const { rows, eventRows, wakes, counters, dueNow } = this.#options;
    const event = this.#eventOf(lane, batch);
    const { id, route, atFallback, formedAt: createdAt } = batch;
    const place = { class: DELIVERY_CLASS.first, dueAt: dueNow() };
    const created = { ...AS_A_BATCH, lane, id, createdAt, route, atFallback, seriesFrom: 0, ...place };
    const seq = rows.create({ ...created, event: eventRows.add(event) });
    wakes.addFirst({ ...created, seq, attempts: 0, event });
    counters.deliveriesCreated += 1;
    counters.pending += 1;
    return seq;
  }

  #eventOf({ workspaceId }: Lane, { eventId, dataText, formedAt }: Carrier): RecordedEvent {
    const revision = oneRow<{ revision: number }>(this.#findRevision, workspaceId)?.revision ?? 0;
    const times = { occurredAt: formedAt, acceptedAt: formedAt };
    return { workspaceId, id: eventId, type: BATCH_TYPE, ...times, runId: null, revision, dataText };
  }

  /** Those that have waited for longest go by themselves from now on, in their old order. @returns how many */
  release(lane: Lane, limit: number): number {
    const number = this.#options.numbers.findLane(lane);
    const found = allRows<{ delivery: number }>(this.#oldest, number, limit).map(({ delivery }) => delivery);
    if (found.length === 0) return 0;
    const members = JSON.stringify(found);
    this.#leave.run({ lane: number, members });
    this.#enqueueFirst.run({ lane: number, members });
    this.#markFirst.run({ members });
    return found.length;
  }

  /** The members of a batch went on in others: there is nothing to send. */
  isSpent({ seq, origin }: Pick<DeliveryRow, 'seq' | 'origin'>): boolean {
    return origin === 'batch' && oneRow(this.#hasMembers, seq) === null;
  }

  /** It waits, by itself or in a batch. */
  isOwed({ state, batch }: Pick<DeliveryRow, 'state' | 'batch'>): boolean {
    if (state !== 'batched') return state === 'pending';
    return oneRow<{ state: string }>(this.#stateOf, batch)?.state === 'pending';
  }
}

/** What it carries is thin where its members are, and not once more as a whole. */
const AS_A_BATCH = { origin: 'batch', run: null, payload: 'full' } as const;

export interface BatchRowsOptions {
  database: DatabaseSync;
  wakes: WakeList;
  rows: DeliveryRows;
  eventRows: EventRows;
  numbers: RowNumbers;
  counters: StoreCounters;
  dueNow: () => number;
}

type Carrier = Pick<SuccessorBatch, 'id' | 'eventId' | 'dataText' | 'formedAt'>;

interface GatheringRow {
  due_at: number;
  delivery: number;
  id: string;
  route: number | null;
  created_at: number;
  type: string;
  bytes: number;
}

interface WaitingRow {
  seq: number;
  id: string;
  thin: DeliveryRow['thin'];
  type: string;
  occurred_at: number;
  data: string;
}
