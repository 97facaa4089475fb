import type { DeliveryOrigin, DeliveryState, PayloadKind } from '../../domain/delivery.ts';
import type { Delivery } from '../store.ts';

/** Whether the body is thin, as the driver writes it; null, as false: it is full. */
export type Thin = boolean | 1 | null;

export function payloadOf({ thin }: { thin: Thin }): PayloadKind {
  return thin ? 'thin' : 'full';
}

/** A delivery with what its lists show of its event. */
export interface ListedRow {
  workspace_id: string;
  id: string;
  webhook_id: string;
  event_id: string;
  event_type: string;
  run_id: string | null;
  origin: DeliveryOrigin;
  route: number | null;
  at_fallback: boolean | 0 | 1;
  thin: Thin;
  state: Exclude<DeliveryState, 'sending'>;
  reason: string | null;
  attempts: number;
  last_status: number | null;
  created_at: number;
  due_at: number | null;
  finished_at: number | null;
  /** What blocks its run; null: nothing does. */
  failed_before: string | null;
  /** Of the batch that it is a member of; null: it is in none. */
  batch_id: string | null;
  batch_state: DeliveryState;
  batch_at_fallback: boolean | 0 | 1;
  batch_finished_at: number | null;
}

export function deliveryFromRow(row: ListedRow): Delivery {
  return {
    workspaceId: row.workspace_id,
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    eventType: row.event_type,
    runId: row.run_id,
    origin: row.origin,
    route: row.route,
    failedBefore: row.failed_before,
    atFallback: Boolean(row.at_fallback),
    payload: payloadOf(row),
    state: row.state,
    batch: batchOf(row),
    reason: row.reason,
    attempts: row.attempts,
    lastStatus: row.last_status,
    createdAt: row.created_at,
    dueAt: row.due_at,
    finishedAt: row.finished_at ?? row.batch_finished_at,
  };
}

function batchOf({ batch_id: id, batch_state: state, batch_at_fallback: atFallback }: ListedRow): Delivery['batch'] {
  return id === null ? null : { id, state, atFallback: Boolean(atFallback) };
}
