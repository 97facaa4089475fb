import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { DELIVERY_CLASS, type DeliveryClass, type DeliveryOrigin } from '../../domain/delivery.ts';
import { type Destination, type Lane, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import type { DeliveryQueue, DueQuery, QueuedDelivery, Settlement, StoreCounters } from '../store.ts';
import type { Vault } from '../vault.ts';
import type { AttemptWriter } from './attempt-writer.ts';
import type { CommitGroup } from './commit-group.ts';
import { allRows, oneRow } from './database.ts';
import type { WakeList } from './wake-list.ts';
import { type WebhookRow, webhookFromRow } from './webhook-rows.ts';

/** What is owed. The engine's process alone reads and settles here, so a fence is simply the row where it was read. */
export function deliveryQueue(options: {
  database: DatabaseSync;
  clock: Clock;
  vault: Vault;
  group: CommitGroup;
  wakes: WakeList;
  attempts: AttemptWriter;
  counters: StoreCounters;
  dueNow: () => number;
}): DeliveryQueue {
  const { database, clock, vault, group, wakes, attempts, counters, dueNow } = options;
  // Steps from lane to lane through the primary key instead of reading every row.
  const firstLane = database.prepare('SELECT workspace_id, webhook_id FROM queue ORDER BY workspace_id, webhook_id LIMIT 1');
  const nextLane = database.prepare(`
    SELECT workspace_id, webhook_id FROM queue WHERE (workspace_id, webhook_id) > (?, ?)
    ORDER BY workspace_id, webhook_id LIMIT 1`);
  const latestWebhook = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? ORDER BY version DESC LIMIT 1',
  );
  const destination = database.prepare(
    'SELECT scheme, scheme_learned_at, not_before FROM destinations WHERE workspace_id = ? AND webhook_id = ? AND url = ?',
  );
  const due = database.prepare(`
    SELECT q.id, q.class, q.due_at, q.created_at, q.origin, q.attempts, q.series_from,
      e.id AS event_id, e.type, e.occurred_at, e.data
    FROM queue q JOIN events e ON e.workspace_id = q.workspace_id AND e.id = q.event_id
    WHERE q.workspace_id = ? AND q.webhook_id = ? AND q.class = ? AND (q.due_at, q.id) > (?, ?) AND q.due_at <= ?
    ORDER BY q.due_at, q.id LIMIT ?`);
  const nextDue = database.prepare(`
    SELECT due_at FROM queue
    WHERE workspace_id = ? AND webhook_id = ? AND class = ${DELIVERY_CLASS.retry} AND due_at > ? ORDER BY due_at LIMIT 1`);
  const remove = database.prepare(
    'DELETE FROM queue WHERE workspace_id = ? AND webhook_id = ? AND class = ? AND due_at = ? AND id = ?',
  );
  const postpone = database.prepare(`
    UPDATE queue SET class = ?, due_at = ?, attempts = ?, reason = ?, last_status = ?
    WHERE workspace_id = ? AND webhook_id = ? AND class = ? AND due_at = ? AND id = ?`);
  const someOfLane = database.prepare('SELECT * FROM queue WHERE workspace_id = ? AND webhook_id = ? LIMIT ?');
  const oneOfLane = database.prepare('SELECT * FROM queue WHERE workspace_id = ? AND id = ? AND webhook_id = ? LIMIT ?');
  const finished = database.prepare('SELECT * FROM deliveries WHERE workspace_id = ? AND id = ? AND webhook_id = ?');
  const removeFinished = database.prepare('DELETE FROM deliveries WHERE workspace_id = ? AND id = ?');
  const insertRecovered = database.prepare(`
    INSERT INTO queue (workspace_id, webhook_id, class, due_at, id, event_id, origin, attempts, series_from, created_at, reason, last_status)
    VALUES (?, ?, ${DELIVERY_CLASS.recovered}, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const eventOf = database.prepare(`
    SELECT event_id FROM deliveries WHERE workspace_id = ? AND id = ? AND webhook_id = ?`);

  const settle = ({ delivery, attempt, next, destination: learned }: Settlement): boolean => {
    const { workspaceId, webhookId } = delivery.lane;
    const place = [workspaceId, webhookId, delivery.class, delivery.dueAt, delivery.id] as const;
    const lastStatus = attempts.lastStatusOf(attempt);
    if (next.state === 'pending') {
      const moved = postpone.run(DELIVERY_CLASS.retry, next.dueAt, attempt.number, attempt.reason, lastStatus, ...place);
      if (moved.changes === 0) return false;
      counters.settledRetried += 1;
    } else {
      if (remove.run(...place).changes === 0) return false;
      attempts.finish({
        lane: delivery.lane,
        id: delivery.id,
        eventId: delivery.event.id,
        origin: delivery.origin,
        state: next.state,
        reason: next.state === 'failed' ? next.reason : null,
        attempts: attempt.number,
        lastStatus,
        createdAt: delivery.createdAt,
      });
      if (next.state === 'delivered') counters.settledDelivered += 1;
      else counters.settledFailed += 1;
    }
    attempts.add(workspaceId, delivery.id, attempt);
    attempts.learn(delivery.lane, learned);
    return true;
  };

  const cancel: Sync<DeliveryQueue['cancel']> = ({ lane, deliveryId, limit, reason }) => {
    const rows =
      deliveryId === undefined
        ? allRows<QueueRow>(someOfLane, lane.workspaceId, lane.webhookId, limit)
        : allRows<QueueRow>(oneOfLane, lane.workspaceId, deliveryId, lane.webhookId, limit);
    for (const row of rows) {
      remove.run(row.workspace_id, row.webhook_id, row.class, row.due_at, row.id);
      attempts.finish({
        lane,
        id: row.id,
        eventId: row.event_id,
        origin: row.origin,
        state: 'cancelled',
        reason,
        attempts: row.attempts,
        lastStatus: row.last_status,
        createdAt: row.created_at,
      });
    }
    counters.settledCancelled += rows.length;
    return rows.length;
  };

  const requeue: Sync<DeliveryQueue['requeue']> = (lane, deliveryId) => {
    const row = oneRow<FinishedRow>(finished, lane.workspaceId, deliveryId, lane.webhookId);
    if (row === null || (row.state !== 'failed' && row.state !== 'cancelled')) return false;
    removeFinished.run(lane.workspaceId, deliveryId);
    insertRecovered.run(
      lane.workspaceId, lane.webhookId, dueNow(), deliveryId, row.event_id, row.origin, row.attempts, row.attempts,
      row.created_at, row.reason, row.last_status,
    );
    wakes.add(lane, 'recovered');
    return true;
  };

  const replay: Sync<DeliveryQueue['replay']> = (lane, deliveryId, newDeliveryId) => {
    const original = oneRow<{ event_id: string }>(eventOf, lane.workspaceId, deliveryId, lane.webhookId);
    if (original === null) return false;
    insertRecovered.run(
      lane.workspaceId, lane.webhookId, dueNow(), newDeliveryId, original.event_id, 'replay', 0, 0, clock.now(), null, null,
    );
    counters.deliveriesCreated += 1;
    wakes.add(lane, 'recovered');
    return true;
  };

  return {
    onWake: (listener) => wakes.listen(listener),
    async sweep() {
      const lanes: Lane[] = [];
      let row = oneRow<LaneRow>(firstLane);
      while (row !== null) {
        lanes.push({ workspaceId: row.workspace_id, webhookId: row.webhook_id });
        row = oneRow<LaneRow>(nextLane, row.workspace_id, row.webhook_id);
      }
      return lanes;
    },
    async loadLane(lane) {
      const row = oneRow<WebhookRow>(latestWebhook, lane.workspaceId, lane.webhookId);
      if (row === null) return null;
      const webhook = webhookFromRow(row, vault);
      const known = oneRow<DestinationRow>(destination, lane.workspaceId, lane.webhookId, webhook.config.url);
      return { webhook, destination: known === null ? UNKNOWN_DESTINATION : destinationFromRow(known) };
    },
    async readDue(query) {
      return readDue(query);
    },
    async nextDueAt(lane, after) {
      return oneRow<{ due_at: number }>(nextDue, lane.workspaceId, lane.webhookId, after)?.due_at ?? null;
    },
    settle: (settlement) => group.run(() => settle(settlement)),
    cancel: (cancellation) => group.run(() => cancel(cancellation)),
    requeue: (lane, deliveryId) => group.run(() => requeue(lane, deliveryId)),
    replay: (lane, deliveryId, newDeliveryId) => group.run(() => replay(lane, deliveryId, newDeliveryId)),
  };

  function readDue({ lane, class: deliveryClass, after, dueBy, limit }: DueQuery): QueuedDelivery[] {
    const from = after ?? { dueAt: -1, id: '' };
    return allRows<DueRow>(
      due, lane.workspaceId, lane.webhookId, deliveryClass, from.dueAt, from.id, dueBy, limit,
    ).map((row) => ({
      lane,
      id: row.id,
      class: row.class,
      dueAt: row.due_at,
      createdAt: row.created_at,
      origin: row.origin,
      attempts: row.attempts,
      seriesFrom: row.series_from,
      event: { id: row.event_id, type: row.type, occurredAt: row.occurred_at, dataText: row.data },
    }));
  }
}

/** The work inside a transaction of a method that answers by promise. */
type Sync<Method extends (...parameters: never[]) => Promise<unknown>> = (
  ...parameters: Parameters<Method>
) => Awaited<ReturnType<Method>>;

interface LaneRow {
  workspace_id: string;
  webhook_id: string;
}

interface DestinationRow {
  scheme: Destination['scheme'];
  scheme_learned_at: number;
  not_before: number;
}

function destinationFromRow(row: DestinationRow): Destination {
  return { scheme: row.scheme, schemeLearnedAt: row.scheme_learned_at, notBefore: row.not_before };
}

interface DueRow {
  id: string;
  class: DeliveryClass;
  due_at: number;
  created_at: number;
  origin: DeliveryOrigin;
  attempts: number;
  series_from: number;
  event_id: string;
  type: string;
  occurred_at: number;
  data: string;
}

interface QueueRow extends LaneRow {
  id: string;
  class: DeliveryClass;
  due_at: number;
  event_id: string;
  origin: DeliveryOrigin;
  attempts: number;
  created_at: number;
  last_status: number | null;
}

interface FinishedRow {
  event_id: string;
  origin: DeliveryOrigin;
  state: 'delivered' | 'failed' | 'cancelled';
  attempts: number;
  created_at: number;
  reason: string | null;
  last_status: number | null;
}
