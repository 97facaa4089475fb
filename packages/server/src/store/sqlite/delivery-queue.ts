import type { DatabaseSync } from 'node:sqlite';
import { lastStatusOf } from '../../domain/attempt.ts';
import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import { ownUrls } from '../../domain/target.ts';
import type { Lane } from '../../domain/webhook.ts';
import { payloadOf } from '../rows/delivery-row.ts';
import { type DueRow, queuedFromRow } from '../rows/due-row.ts';
import { type WebhookRow, webhookFromRow } from '../rows/webhook-row.ts';
import type { DeliveryQueue, DueQuery, QueuedDelivery, Settlement, StoreCounters } from '../store.ts';
import type { Vault } from '../vault.ts';
import type { WakeList } from '../wake-list.ts';
import type { AuditRows } from './audit-rows.ts';
import type { BatchRows } from './batch-rows.ts';
import type { CommitGroup } from './commit-group.ts';
import { allRows, oneRow } from './database.ts';
import type { DeliveryRow, DeliveryRows } from './delivery-rows.ts';
import type { DestinationRows } from './destination-rows.ts';
import { DUE_COLUMNS } from './due-columns.ts';
import { headReads } from './head-rows.ts';
import type { HoldRows } from './hold-rows.ts';
import type { NewsRows } from './news-rows.ts';
import type { RecoverOutage } from './outage-recovery.ts';
import type { Recover } from './recover.ts';
import type { RowNumbers } from './row-numbers.ts';

/** What is owed. The engine's process alone reads and settles here, so a fence is simply the row where it was read. */
export function deliveryQueue(options: {
  database: DatabaseSync;
  vault: Vault;
  group: CommitGroup;
  wakes: WakeList;
  rows: DeliveryRows;
  batches: BatchRows;
  recover: Recover;
  destinations: DestinationRows;
  holds: HoldRows;
  audit: AuditRows;
  news: NewsRows;
  recoverOutage: RecoverOutage;
  numbers: RowNumbers;
  counters: StoreCounters;
  /** Deliveries after it may be committed, but not on disk yet. */
  lastSeqOnDisk: () => number;
}): DeliveryQueue {
  const { database, vault, group, wakes, rows, batches, recover, destinations, holds, audit } = options;
  const { news, recoverOutage, numbers, counters, lastSeqOnDisk } = options;
  // Steps from lane to lane through the primary key instead of reading every row.
  const nextLane = database.prepare(`
    SELECT number, workspace_id, webhook_id FROM lanes
    WHERE number = (SELECT lane FROM queue WHERE lane > ? ORDER BY lane LIMIT 1)`);
  const latestWebhook = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? ORDER BY version DESC LIMIT 1',
  );
  const due = database.prepare(`
    SELECT ${DUE_COLUMNS}
    FROM queue q JOIN deliveries d ON d.seq = q.delivery JOIN events e ON e.seq = d.event
    WHERE q.lane = ? AND q.class = ? AND (q.due_at, q.delivery) > (?, ?) AND q.due_at <= ? AND q.delivery <= ?
    ORDER BY q.due_at, q.delivery LIMIT ?`);
  const nextDue = database.prepare(`
    SELECT due_at FROM queue WHERE lane = ? AND class = ${DELIVERY_CLASS.retry} AND due_at > ? ORDER BY due_at LIMIT 1`);

  const sentAfter = database.prepare(`
    SELECT json_extract(x.value, '$.sentAt') AS sent_at
    FROM deliveries d JOIN attempts a ON a.delivery = d.seq, json_each(a.exchanges) x
    WHERE d.lane = :lane AND d.attempts > 0 AND (d.finished_at IS NULL OR d.finished_at > :after)
      AND a.started_at + a.duration_ms >= :after AND sent_at > :after`);

  /**
   * What was disabled before stays so from then on, and what a person resumed since stays resumed. A receiver that is
   * configured no more says nothing about the present one.
   * @returns whether it did anything
   */
  const disable = (lane: Lane, url: string, { reason, at }: NonNullable<Settlement['disable']>): boolean => {
    const row = oneRow<WebhookRow>(latestWebhook, lane.workspaceId, lane.webhookId);
    const hold = holds.find(lane);
    if (row === null || hold.disabledAt !== null || hold.resumedAt >= at) return false;
    if (!ownUrls(webhookFromRow(row, vault).config).includes(url)) return false;
    holds.put(lane, { ...hold, disabledAt: at, disabledReason: reason });
    const { workspaceId, webhookId: subject } = lane;
    audit.addOfSystem({ workspaceId, at, action: 'webhook.disabled', subject, detail: `${reason} at ${url}` });
    return true;
  };

  const settle = (settlement: Settlement): boolean => {
    const { delivery, attempt, next, destination: learned, disable: disabling, successors = [] } = settlement;
    const { lane, seq, route } = delivery;
    if (!rows.dequeue(lane, delivery)) return false;
    const lastStatus = lastStatusOf(attempt);
    if (next.state === 'pending') {
      const place = { class: DELIVERY_CLASS.retry, dueAt: next.dueAt, seq };
      const uncharged = next.uncharged === true;
      rows.postpone(lane, place, { attempts: attempt.number, uncharged, reason: attempt.reason, lastStatus });
      if (next.atFallback === true) rows.divert(seq);
      counters.settledRetried += 1;
    } else {
      const reason = next.state === 'delivered' ? null : next.reason;
      rows.finish(seq, next.state, { attempts: attempt.number, reason, lastStatus });
      counters.pending -= 1;
      if (next.state === 'delivered') counters.settledDelivered += 1;
      else if (next.state === 'failed') counters.settledFailed += 1;
      else counters.settledCancelled += 1;
    }
    rows.addAttempt(seq, attempt);
    const destination = destinations.learn(lane, learned, attempt.webhookVersion);
    const disabled = disabling !== undefined && disable(lane, attempt.url, disabling) ? disabling : null;
    news.tell(lane, { delivery, attempt, next, destination, disabled });
    for (const successor of successors) {
      const event = batches.succeed(lane, successor, { seq, route, lastStatus });
      const { id, start } = successor;
      if (start === 'at once' || start.state === 'pending') continue;
      news.tell(lane, { delivery: { id, event }, attempt, next: start, destination: null, disabled: null });
    }
    recoverOutage(lane, destination);
    return true;
  };

  const cancelOne = (lane: Lane, row: DeliveryRow, reason: string): boolean => {
    const { seq, due_at: dueAt, run } = row;
    const isGivenUp = row.state === 'failed' && run !== null;
    if (!isGivenUp && (dueAt === null || !rows.dequeue(lane, { class: row.class, dueAt, seq }))) return false;
    rows.finish(seq, 'cancelled', { attempts: row.attempts, reason, lastStatus: row.last_status });
    counters.settledCancelled += 1;
    if (!isGivenUp) counters.pending -= 1;
    wakes.addRun(lane, 'freed', run);
    return true;
  };

  const cancel: Sync<DeliveryQueue['cancel']> = ({ lane, deliveryId, limit, reason }) => {
    const named = deliveryId === undefined ? null : rows.find(lane, deliveryId);
    const waiting = deliveryId === undefined ? rows.waiting(lane, limit) : named === null ? [] : [named];
    return waiting.filter((row) => cancelOne(lane, row, reason)).length;
  };

  const requeue: Sync<DeliveryQueue['requeue']> = (lane, deliveryId) => {
    const row = rows.find(lane, deliveryId);
    if (row === null || (row.state !== 'failed' && row.state !== 'cancelled') || batches.isSpent(row)) return false;
    recover.putBack(lane, row.seq);
    return true;
  };

  const replay: Sync<DeliveryQueue['replay']> = (lane, deliveryId, newDeliveryId) => {
    const row = rows.find(lane, deliveryId);
    if (row === null || batches.isOwed(row)) return false;
    const { event, route, run } = row;
    recover.oweAnew(lane, { id: newDeliveryId, event, origin: 'replay', route, run, payload: payloadOf(row) });
    return true;
  };

  return {
    onWake: (listener) => wakes.listen(listener),
    async sweep() {
      const lanes: Lane[] = [];
      let row = oneRow<LaneRow>(nextLane, 0);
      while (row !== null) {
        lanes.push({ workspaceId: row.workspace_id, webhookId: row.webhook_id });
        row = oneRow<LaneRow>(nextLane, row.number);
      }
      return lanes;
    },
    async loadLane(lane) {
      const row = oneRow<WebhookRow>(latestWebhook, lane.workspaceId, lane.webhookId);
      if (row === null) return null;
      const webhook = webhookFromRow(row, vault);
      return { webhook, hold: holds.find(lane), destinations: destinations.all(lane) };
    },
    async exchangesSince(lane, after) {
      const parameters = { lane: numbers.findLane(lane), after };
      return (sentAfter.all(parameters) as unknown as { sent_at: number }[]).map(({ sent_at: at }) => at);
    },
    async readDue(query) {
      return readDue(query);
    },
    ...headReads({ database, numbers, lastSeqOnDisk }),
    async nextDueAt(lane, after) {
      return oneRow<{ due_at: number }>(nextDue, numbers.findLane(lane), after)?.due_at ?? null;
    },
    settle: (settlement) => group.run(() => settle(settlement)),
    async readGathering(query) {
      return batches.read(query, lastSeqOnDisk());
    },
    formBatch: (batch) => group.run(() => batches.form(batch)),
    releaseGathering: (lane, limit) => group.run(() => batches.release(lane, limit)),
    cancel: (cancellation) => group.run(() => cancel(cancellation)),
    requeue: (lane, deliveryId) => group.run(() => requeue(lane, deliveryId)),
    replay: (lane, deliveryId, newDeliveryId) => group.run(() => replay(lane, deliveryId, newDeliveryId)),
  };

  function readDue({ lane, class: deliveryClass, after, dueBy, limit }: DueQuery): QueuedDelivery[] {
    // What is sent must be on disk: else a loss of power could bring the event again under another id.
    const from = after ?? { dueAt: -1, seq: 0 };
    return allRows<DueRow>(
      due,
      numbers.findLane(lane),
      deliveryClass,
      from.dueAt,
      from.seq,
      dueBy,
      lastSeqOnDisk(),
      limit,
    ).map((row) => queuedFromRow(lane, row));
  }
}

/** The work inside a transaction of a method that answers by promise. */
type Sync<Method extends (...parameters: never[]) => Promise<unknown>> = (
  ...parameters: Parameters<Method>
) => Awaited<ReturnType<Method>>;

interface LaneRow {
  number: number;
  workspace_id: string;
  webhook_id: string;
}
