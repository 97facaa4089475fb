import type { Clock } from '../../clock.ts';
import { BATCH_TYPE, batchDataText } from '../../domain/batch.ts';
import { DELIVERY_CLASS, type DeliveryClass } from '../../domain/delivery.ts';
import { deliveryBody } from '../../domain/delivery-body.ts';
import type { RecordedEvent } from '../../domain/event.ts';
import type { Direction } from '../../domain/target.ts';
import type { Lane } from '../../domain/webhook.ts';
import { payloadOf } from '../rows/delivery-row.ts';
import type { DeliveryQueue, GatheringMember, NewBatch, Position, SuccessorBatch } from '../store.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import { eventsById } from './by-id.ts';
import type { Reads, Value } from './database.ts';
import { isAside } from './days.ts';
import { LASTING, SO_FAR } from './delivery-columns.ts';
import { ADD_EVENTS, eventColumns } from './event-rows.ts';
import { withoutNul } from './nul-free-text.ts';
import type { Transaction } from './transaction.ts';
import { revisionOf } from './workspace-revision.ts';

const GATHERING = DELIVERY_CLASS.gathering;

const READ = `
  SELECT due_at, seq, id, event_id, route, created_at FROM broxi.queue
  WHERE workspace_id = $1 AND webhook_id = $2 AND class = ${GATHERING} AND (due_at, seq) > ($3, $4)
  ORDER BY due_at, seq LIMIT $5`;

/** Those of a lane that wait where they were read, in the order of the arrays; nobody takes them before this transaction ends. */
const WAITING = `
  SELECT q.due_at, q.seq, q.id, q.event_id, q.thin
  FROM unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY AS p (due_at, seq, position)
    JOIN broxi.queue q ON q.workspace_id = $1 AND q.webhook_id = $2 AND q.class = ${GATHERING}
      AND q.due_at = p.due_at AND q.seq = p.seq
  ORDER BY p.position FOR UPDATE OF q`;

/** Moves the rows of members to history, where they stay. */
const JOIN = `
  WITH gone AS (
    DELETE FROM broxi.queue q USING unnest($3::bigint[], $4::bigint[]) AS p (due_at, seq)
    WHERE q.workspace_id = $1 AND q.webhook_id = $2 AND q.class = ${GATHERING} AND q.due_at = p.due_at AND q.seq = p.seq
    RETURNING q.*
  )
  INSERT INTO broxi.deliveries (${LASTING}, ${SO_FAR}, at_fallback, state, batch, aside)
  SELECT ${LASTING}, ${SO_FAR}, at_fallback, 'batched', $5, ${isAside('id', 'del')} FROM gone`;

/**
 * Records the events of batches, and the batches as owed, or as failed where they are never due. Parameters: the columns of the
 * events; lane and route; the columns of the batches; the last status and the present instant for those that failed.
 * What a batch carries is thin where its members are, and not once more as a whole. Result: the `seq` of those that are owed.
 */
const ADD = `
  WITH added AS (${ADD_EVENTS}),
  given AS MATERIALIZED (
    SELECT * FROM unnest($12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
      $19::text[]) WITH ORDINALITY
      AS b (id, event_id, class, due_at, series_from, at_fallback, created_at, reason, position)
  ),
  given_up AS (
    INSERT INTO broxi.deliveries (workspace_id, webhook_id, id, event_id, origin, route, at_fallback, created_at, attempts,
      state, reason, last_status, finished_at, aside)
    SELECT $9, $10, id, event_id, 'batch', $11::bigint, at_fallback = 1, created_at, 0, 'failed', reason, $20::integer,
      $21::bigint, ${isAside('id', 'del')}
    FROM given WHERE due_at IS NULL ORDER BY position
  ),
  owed AS (
    INSERT INTO broxi.queue (workspace_id, webhook_id, class, due_at, id, event_id, origin, route, at_fallback, series_from,
      created_at)
    SELECT $9, $10, class, due_at, id, event_id, 'batch', $11::bigint, at_fallback = 1, series_from, created_at
    FROM given WHERE due_at IS NOT NULL ORDER BY position
    RETURNING id, seq
  )
  SELECT id, seq FROM owed`;

const MOVE = `
  UPDATE broxi.deliveries d SET batch = m.batch FROM unnest($3::text[], $4::text[]) AS m (id, batch)
  WHERE d.workspace_id = $1 AND d.id = ANY ($3::text[]) AND d.id = m.id AND d.batch = $2`;

/** Passes by what is being made a batch of. */
const RELEASE = `
  WITH oldest AS (
    SELECT due_at, seq FROM broxi.queue WHERE workspace_id = $1 AND webhook_id = $2 AND class = ${GATHERING}
    ORDER BY due_at, seq LIMIT $3 FOR UPDATE SKIP LOCKED
  )
  UPDATE broxi.queue q SET class = ${DELIVERY_CLASS.first} FROM oldest o
  WHERE q.workspace_id = $1 AND q.webhook_id = $2 AND q.class = ${GATHERING} AND q.due_at = o.due_at AND q.seq = o.seq
  RETURNING q.seq`;

export function readGathering(reads: Reads): DeliveryQueue['readGathering'] {
  return async ({ lane, after, limit }) => {
    const { dueAt, seq } = after ?? { dueAt: -1, seq: 0 };
    const { workspaceId, webhookId } = lane;
    const rows = await reads.query<GatheringRow>(READ, [workspaceId, webhookId, dueAt, seq, limit]);
    const ids = rows.map(({ event_id: id }) => id);
    const events = await eventsById<{ id: string; type: string; bytes: number }>(
      reads.query,
      'type, octet_length(data) AS bytes',
      { workspaceId, ids },
    );
    return rows.flatMap((row): GatheringMember[] => {
      const event = events.get(row.event_id);
      if (event === undefined) return [];
      return [
        {
          seq: row.seq,
          id: row.id,
          dueAt: row.due_at,
          createdAt: row.created_at,
          eventType: event.type,
          route: row.route,
          dataBytes: event.bytes,
        },
      ];
    });
  };
}

/** The batches that carry members, and how these leave them. Each runs inside the caller's transaction. */
export interface BatchRows {
  /** @returns how many members it has; 0: there is no batch */
  form(tx: Transaction, batch: NewBatch): Promise<number>;
  /**
   * Others take over members from a batch whose outcome is being written.
   * @returns the events that they carry, in their order
   */
  succeed(tx: Transaction, from: Predecessor, successors: readonly SuccessorBatch[]): Promise<RecordedEvent[]>;
  /** Those that have waited for longest go by themselves from now on, in their old order. @returns how many */
  release(tx: Transaction, lane: Lane, limit: number): Promise<number>;
}

export interface Predecessor {
  lane: Lane;
  id: string;
  route: number | null;
  lastStatus: number | null;
}

export function createBatchRows({ clock, dueNow }: { clock: Clock; dueNow: () => number }): BatchRows {
  /** @returns the events of the batches */
  const add = async (
    tx: Transaction,
    { lane, route, lastStatus }: Omit<Predecessor, 'id'>,
    batches: readonly MadeBatch[],
  ): Promise<RecordedEvent[]> => {
    const { workspaceId, webhookId } = lane;
    const revision = await revisionOf(tx, workspaceId);
    const events = batches.map(({ eventId: id, dataText, formedAt: at }) => ({
      ...{ workspaceId, id, type: BATCH_TYPE, occurredAt: at, acceptedAt: at, runId: null, revision, dataText },
    }));
    const owed = await tx.query<{ id: string; seq: number }>(ADD, [
      ...eventColumns(events),
      ...[workspaceId, webhookId, route],
      ...batchColumns(batches),
      ...[lastStatus, clock.now()],
    ]);
    const seqs = new Map(owed.map(({ id, seq }) => [id, seq]));
    for (const [i, batch] of batches.entries()) {
      const [event, seq] = [events[i], seqs.get(batch.id)];
      if (event === undefined || seq === undefined || batch.class !== DELIVERY_CLASS.first) continue;
      const { id, class: first, dueAt, atFallback, seriesFrom, formedAt: createdAt } = batch;
      const place = { seq, class: first, dueAt: dueAt ?? 0 };
      const made = { origin: 'batch', attempts: 0, run: null, payload: 'full' } as const;
      tx.wakes.addFirst({ lane, id, createdAt, ...place, ...made, seriesFrom, route, atFallback, event });
    }
    tx.counts.deliveriesCreated += batches.length;
    tx.counts.settledFailed += batches.filter(({ dueAt }) => dueAt === null).length;
    return events;
  };

  return {
    async form(tx, { lane, members, ...batch }) {
      const { workspaceId, webhookId } = lane;
      const rows = await tx.query<WaitingRow>(WAITING, [workspaceId, webhookId, ...placeColumns(members)]);
      if (rows.length === 0) return 0;
      const ids = rows.map(({ event_id: id }) => id);
      const events = await eventsById<EventRow>(tx.query, 'type, occurred_at, data', { workspaceId, ids });
      const bodies = rows.map((row) => {
        const found = events.get(row.event_id);
        if (found === undefined) throw new Error('what is owed has an event');
        const event = { type: found.type, occurredAt: found.occurred_at, dataText: found.data };
        return deliveryBody({ webhookId, deliveryId: row.id, event, payload: payloadOf(row) });
      });
      const dataText = batchDataText(batch.eventType, bodies);
      const made: MadeBatch = { ...batch, ...atOnce(dueNow()), dataText, atFallback: false };
      await add(tx, { lane, route: batch.route, lastStatus: null }, [made]);
      const places = placeColumns(rows.map(({ due_at: dueAt, seq }) => ({ dueAt, seq })));
      await tx.query(JOIN, [workspaceId, webhookId, ...places, batch.id]);
      tx.counts.deliveriesBatched += rows.length;
      return rows.length;
    },
    async succeed(tx, from, successors) {
      if (successors.length === 0) return [];
      const events = await add(
        tx,
        from,
        successors.map((successor) => ({ ...successor, ...beginning(successor, dueNow) })),
      );
      const moves = successors.flatMap(({ id: to, members }) => members.map((member) => ({ member, to })));
      await tx.query(MOVE, [
        from.lane.workspaceId,
        from.id,
        textArray(moves.map(({ member }) => member)),
        textArray(moves.map(({ to }) => to)),
      ]);
      return events;
    },
    async release(tx, { workspaceId, webhookId }, limit) {
      return (await tx.query(RELEASE, [workspaceId, webhookId, limit])).length;
    },
  };
}

/** A batch with the place where it waits. */
interface MadeBatch
  extends Pick<SuccessorBatch, 'id' | 'eventId' | 'dataText' | 'formedAt'>,
    Beginning,
    Pick<Direction, 'atFallback'> {}

interface Beginning {
  class: DeliveryClass;
  /** Null: it is given up as it is made. */
  dueAt: number | null;
  seriesFrom: number;
  reason: string | null;
}

function atOnce(dueAt: number): Beginning {
  return { class: DELIVERY_CLASS.first, dueAt, seriesFrom: 0, reason: null };
}

function beginning({ start, attemptsUsed }: SuccessorBatch, dueNow: () => number): Beginning {
  if (start === 'at once') return atOnce(dueNow());
  const goesOn = { class: DELIVERY_CLASS.retry, seriesFrom: -attemptsUsed };
  if (start.state === 'failed') return { ...goesOn, dueAt: null, reason: start.reason };
  return { ...goesOn, dueAt: start.dueAt, reason: null };
}

function batchColumns(batches: readonly MadeBatch[]): Value[] {
  return [
    textArray(batches.map(({ id }) => id)),
    textArray(batches.map(({ eventId }) => eventId)),
    bigintArray(batches.map((batch) => batch.class)),
    bigintArray(batches.map(({ dueAt }) => dueAt)),
    bigintArray(batches.map(({ seriesFrom }) => seriesFrom)),
    bigintArray(batches.map(({ atFallback }) => Number(atFallback))),
    bigintArray(batches.map(({ formedAt }) => formedAt)),
    textArray(batches.map(({ reason }) => withoutNul(reason))),
  ];
}

function placeColumns(places: readonly Position[]): Value[] {
  return [bigintArray(places.map(({ dueAt }) => dueAt)), bigintArray(places.map(({ seq }) => seq))];
}

interface GatheringRow {
  due_at: number;
  seq: number;
  id: string;
  event_id: string;
  route: number | null;
  created_at: number;
}

interface WaitingRow {
  due_at: number;
  seq: number;
  id: string;
  event_id: string;
  thin: boolean;
}

interface EventRow {
  id: string;
  type: string;
  occurred_at: number;
  data: string;
}
