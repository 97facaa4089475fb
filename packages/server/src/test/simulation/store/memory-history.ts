import type { Delivery, DeliveryQuery, History } from '../../../store/store.ts';
import { type DeliveryRow, type Disk, keyOf } from './disk.ts';
import { runBefore } from './memory-heads.ts';
import { inOrder } from './memory-parts.ts';

export function historyReads(disk: Disk): Omit<History, 'counters'> {
  return {
    async getDelivery(workspaceId, deliveryId) {
      const row = disk.deliveries.get(keyOf(workspaceId, deliveryId));
      return row === undefined ? null : deliveryFromRow(disk, row);
    },
    async listDeliveries(query) {
      const ofWorkspace = disk.deliveries.all().filter(({ lane }) => lane.workspaceId === query.workspaceId);
      const fitting = ofWorkspace.map((row) => deliveryFromRow(disk, row)).filter((delivery) => fits(delivery, query));
      return inOrder(fitting, ({ id }) => id)
        .toReversed()
        .slice(0, query.limit);
    },
    async listAttempts(workspaceId, deliveryId) {
      return [...(disk.attempts.get(keyOf(workspaceId, deliveryId)) ?? [])];
    },
  };
}

function fits(delivery: Delivery, query: DeliveryQuery): boolean {
  const { before, webhookId, eventId, runId, batchId, state, status, createdFrom, createdTo } = query;
  return (
    (before === undefined || delivery.id < before) &&
    (webhookId === undefined || delivery.webhookId === webhookId) &&
    (eventId === undefined || delivery.eventId === eventId) &&
    (runId === undefined || delivery.runId === runId) &&
    (batchId === undefined || delivery.batch?.id === batchId) &&
    (state === undefined || delivery.state === state) &&
    (status === undefined || delivery.lastStatus === status) &&
    (createdFrom === undefined || delivery.createdAt >= createdFrom) &&
    (createdTo === undefined || delivery.createdAt < createdTo)
  );
}

function failedBefore(disk: Disk, row: DeliveryRow): string | null {
  if (row.state !== 'pending') return null;
  return runBefore(disk, row).find(({ state }) => state === 'failed')?.id ?? null;
}

function deliveryFromRow(disk: Disk, row: DeliveryRow): Delivery {
  const event = disk.events.get(row.event);
  const batch = row.batch === null ? undefined : disk.deliveries.get(row.batch);
  return {
    workspaceId: row.lane.workspaceId,
    id: row.id,
    webhookId: row.lane.webhookId,
    eventId: event?.id ?? '',
    eventType: event?.type ?? '',
    runId: event?.runId ?? null,
    origin: row.origin,
    state: row.state,
    batch: batch === undefined ? null : { id: batch.id, state: batch.state, atFallback: batch.atFallback },
    reason: row.reason,
    attempts: row.attempts,
    route: row.route,
    failedBefore: failedBefore(disk, row),
    atFallback: row.atFallback,
    payload: row.payload,
    lastStatus: row.lastStatus,
    createdAt: row.createdAt,
    dueAt: row.dueAt,
    finishedAt: row.finishedAt ?? batch?.finishedAt ?? null,
  };
}
