import type { Clock } from '../../clock.ts';
import type { Exchange } from '../../domain/attempt.ts';
import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import { payloadOf } from '../rows/delivery-row.ts';
import { webhookFromRow } from '../rows/webhook-row.ts';
import type { DeliveryQueue, Settlement } from '../store.ts';
import type { Vault } from '../vault.ts';
import { type BatchRows, readGathering } from './batch-rows.ts';
import type { Batch, CommitGroup } from './commit-group.ts';
import { firstOf, type Reads } from './database.ts';
import { isAside, isToStay } from './days.ts';
import { LASTING } from './delivery-columns.ts';
import { findDestinations } from './destination-rows.ts';
import { WAITING_COLUMNS, type WaitingRow, withEvents } from './due-rows.ts';
import { headReads } from './head-rows.ts';
import { findHold } from './hold-rows.ts';
import { withNul, withoutNul } from './nul-free-text.ts';
import type { Recover } from './recover.ts';
import type { Transaction } from './transaction.ts';
import { latestVersion } from './webhook-rows.ts';

/** Steps from lane to lane through the primary key instead of reading every row. */
const LANES = `
  WITH RECURSIVE lanes AS (
    (SELECT workspace_id, webhook_id FROM broxi.queue ORDER BY workspace_id, webhook_id LIMIT 1)
    UNION ALL
    SELECT next.* FROM lanes l, LATERAL (
      SELECT workspace_id, webhook_id FROM broxi.queue q
      WHERE (q.workspace_id, q.webhook_id) > (l.workspace_id, l.webhook_id) ORDER BY workspace_id, webhook_id LIMIT 1
    ) next
  )
  SELECT workspace_id AS "workspaceId", webhook_id AS "webhookId" FROM lanes`;

/** Reads the primary key from a position on: rows before it that are dead are not met again. */
const DUE = `
  SELECT ${WAITING_COLUMNS}, q.event_id FROM broxi.queue q
  WHERE workspace_id = $1 AND webhook_id = $2 AND class = $3 AND (due_at, seq) > ($4, $5) AND due_at <= $6
  ORDER BY due_at, seq LIMIT $7`;

const NEXT_DUE = `
  SELECT due_at FROM broxi.queue
  WHERE workspace_id = $1 AND webhook_id = $2 AND class = ${DELIVERY_CLASS.retry} AND due_at > $3 ORDER BY due_at LIMIT 1`;

/** Of what waits, and of what came to its end after the instant. */
const EXCHANGES = `
  SELECT a.exchanges FROM (
    SELECT id FROM broxi.queue WHERE workspace_id = $1 AND webhook_id = $2 AND attempts > 0
    UNION ALL
    SELECT id FROM broxi.deliveries WHERE workspace_id = $1 AND webhook_id = $2 AND attempts > 0 AND finished_at > $3
  ) d CROSS JOIN LATERAL (
    SELECT exchanges FROM broxi.attempts
    WHERE workspace_id = $1 AND delivery_id = d.id AND started_at + duration_ms >= $3 OFFSET 0
  ) a`;

/** Ends some deliveries of a lane, or the one named. Passes by what is being settled. Result: the run of each. */
const CANCEL = `
  WITH chosen AS (
    SELECT workspace_id, id FROM broxi.queue
    WHERE workspace_id = $1 AND webhook_id = $2 AND ($3::text IS NULL OR id = $3)
    LIMIT $4 FOR UPDATE SKIP LOCKED
  ),
  gone AS (
    DELETE FROM broxi.queue q USING chosen c WHERE q.workspace_id = c.workspace_id AND q.id = c.id RETURNING q.*
  )
  INSERT INTO broxi.deliveries (${LASTING}, attempts, last_status, at_fallback, state, finished_at, reason, aside)
  SELECT ${LASTING}, attempts, last_status, at_fallback, 'cancelled', $5, $6, ${isAside('id', 'del')} FROM gone
  RETURNING run`;

/** Gives up one that failed, where it has a run that may wait for it. Result: its run. */
const GIVE_UP = `
  UPDATE broxi.deliveries SET state = 'cancelled', finished_at = $4, reason = $5
  WHERE workspace_id = $1 AND webhook_id = $2 AND id = $3 AND state = 'failed' AND run IS NOT NULL RETURNING run`;

/** What is over, and is no member of a batch that is owed; and its event is to stay. */
const ENDED = `
  SELECT event_id, route, run, thin FROM broxi.deliveries d WHERE workspace_id = $1 AND webhook_id = $2 AND id = $3
    AND EXISTS (SELECT 1 FROM broxi.events e WHERE e.workspace_id = $1 AND e.id = d.event_id AND ${isToStay('e', 'evt')})
    AND NOT EXISTS (SELECT 1 FROM broxi.queue b WHERE b.workspace_id = $1 AND b.id = d.batch)`;

/** What is owed. A row of the queue is the promise to send, and the place where it waits is the fence of its settlement. */
export function deliveryQueue(options: {
  clock: Clock;
  vault: Vault;
  reads: Reads;
  group: CommitGroup;
  settle: Batch<Settlement, boolean>;
  batches: BatchRows;
  recover: Recover;
  owns: (lane: Lane) => boolean;
}): Omit<DeliveryQueue, 'onWake'> {
  const { clock, vault, reads, group, settle, batches, recover, owns } = options;

  const cancel = async (
    tx: Transaction,
    { lane, deliveryId, limit, reason }: Parameters<DeliveryQueue['cancel']>[0],
  ): Promise<number> => {
    const { workspaceId, webhookId } = lane;
    const ending = [clock.now(), withoutNul(reason)];
    const named = deliveryId ?? null;
    const cancelled = await tx.query<{ run: string | null }>(CANCEL, [workspaceId, webhookId, named, limit, ...ending]);
    if (cancelled.length === 0 && named !== null) {
      cancelled.push(...(await tx.query<{ run: string }>(GIVE_UP, [workspaceId, webhookId, named, ...ending])));
    }
    for (const { run } of cancelled) tx.wakes.addRun(lane, 'freed', withNul(run));
    tx.counts.settledCancelled += cancelled.length;
    return cancelled.length;
  };

  const replay = async (tx: Transaction, lane: Lane, deliveryId: string, newDeliveryId: string): Promise<boolean> => {
    const ended = firstOf(await tx.query<EndedRow>(ENDED, [lane.workspaceId, lane.webhookId, deliveryId]));
    if (ended === null) return false;
    const { event_id: eventId, route } = ended;
    const rest = { origin: 'replay', route, run: withNul(ended.run), payload: payloadOf(ended) } as const;
    await recover.oweAnew(tx, lane, [{ id: newDeliveryId, eventId, ...rest }]);
    return true;
  };

  return {
    sweep: async () => (await reads.query<Lane>(LANES)).filter(owns),
    loadLane: (lane) =>
      reads.snapshot(async (query) => {
        const [row, hold, destinations] = await Promise.all([
          latestVersion(query, lane),
          findHold(query, lane),
          findDestinations(query, lane),
        ]);
        return row && { webhook: webhookFromRow(row, vault), hold, destinations };
      }),
    async exchangesSince({ workspaceId, webhookId }, after) {
      const rows = await reads.query<{ exchanges: string }>(EXCHANGES, [workspaceId, webhookId, after]);
      const sent = rows.flatMap((row) => JSON.parse(row.exchanges) as Exchange[]);
      return sent.map(({ sentAt }) => sentAt).filter((at) => at > after);
    },
    async readDue({ lane, class: deliveryClass, after, dueBy, limit }) {
      const { dueAt, seq } = after ?? { dueAt: -1, seq: 0 };
      const values = [lane.workspaceId, lane.webhookId, deliveryClass, dueAt, seq, dueBy, limit];
      return await withEvents(reads.query, lane, await reads.query<WaitingRow>(DUE, values));
    },
    async nextDueAt({ workspaceId, webhookId }, after) {
      const rows = await reads.query<{ due_at: number }>(NEXT_DUE, [workspaceId, webhookId, after]);
      return firstOf(rows)?.due_at ?? null;
    },
    ...headReads(reads),
    readGathering: readGathering(reads),
    formBatch: (batch) => group.work((tx) => batches.form(tx, batch)),
    releaseGathering: (lane, limit) => group.work((tx) => batches.release(tx, lane, limit)),
    settle: (settlement) => group.run(settle, settlement, ROWS_OF_A_SETTLEMENT),
    cancel: (cancellation) => group.work((tx) => cancel(tx, cancellation)),
    requeue: (lane, deliveryId) => group.work(async (tx) => (await recover.putBack(tx, lane, [deliveryId])) === 1),
    replay: (lane, deliveryId, newDeliveryId) => group.work((tx) => replay(tx, lane, deliveryId, newDeliveryId)),
  };
}

const ROWS_OF_A_SETTLEMENT = 3;

interface EndedRow {
  event_id: string;
  route: number | null;
  run: string | null;
  thin: boolean;
}
