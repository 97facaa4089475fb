import type { AttemptRecord } from '../../domain/attempt.ts';
import type { DeliveryOrigin, PayloadKind } from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import type { Value } from './database.ts';
import { isAside } from './days.ts';
import { withoutNul } from './nul-free-text.ts';
import type { Transaction } from './transaction.ts';

/** The largest is the first: see `eventColumns`. */
export const ATTEMPT_COLUMNS = `exchanges, workspace_id, delivery_id, number, id, started_at, duration_ms, url, route, webhook_version,
  outcome, reason`;

/** The types of {@link attemptArrays}, as the parameters of a statement from this number on. */
export function attemptParameters(from: number): string {
  const types = [
    'text',
    'text',
    'text',
    'bigint',
    'text',
    'bigint',
    'bigint',
    'text',
    'bigint',
    'bigint',
    'text',
    'text',
  ];
  return types.map((type, i) => `$${from + i}::${type}[]`).join(', ');
}

export interface AttemptOf {
  workspaceId: string;
  deliveryId: string;
  attempt: AttemptRecord;
}

/** The columns of attempts, each as an array, in the order of {@link ATTEMPT_COLUMNS}. */
export function attemptArrays(attempts: readonly AttemptOf[]): Buffer[] {
  return [
    textArray(attempts.map(({ attempt }) => JSON.stringify(attempt.exchanges))),
    textArray(attempts.map(({ workspaceId }) => workspaceId)),
    textArray(attempts.map(({ deliveryId }) => deliveryId)),
    bigintArray(attempts.map(({ attempt }) => attempt.number)),
    textArray(attempts.map(({ attempt }) => attempt.id)),
    bigintArray(attempts.map(({ attempt }) => attempt.startedAt)),
    bigintArray(attempts.map(({ attempt }) => attempt.durationMs)),
    textArray(attempts.map(({ attempt }) => attempt.url)),
    bigintArray(attempts.map(({ attempt }) => attempt.route)),
    bigintArray(attempts.map(({ attempt }) => attempt.webhookVersion)),
    textArray(attempts.map(({ attempt }) => attempt.outcome)),
    textArray(attempts.map(({ attempt }) => withoutNul(attempt.reason))),
  ];
}

export async function addAttempts(tx: Transaction, attempts: readonly AttemptOf[]): Promise<void> {
  await tx.query(
    `INSERT INTO broxi.attempts (${ATTEMPT_COLUMNS}, aside)
      SELECT a.*, ${isAside('a.delivery_id', 'del')} FROM unnest(${attemptParameters(1)}) AS a (${ATTEMPT_COLUMNS})`,
    attemptArrays(attempts),
  );
}

export interface FinishedDelivery {
  lane: Lane;
  id: string;
  eventId: string;
  origin: DeliveryOrigin;
  payload: PayloadKind;
  state: 'delivered' | 'failed';
  reason: string | null;
  attempts: number;
  lastStatus: number | null;
  createdAt: number;
  finishedAt: number;
}

/** A delivery that never waited, such as a test. @throws if one of that id waits */
export async function addFinished(tx: Transaction, delivery: FinishedDelivery): Promise<void> {
  const { lane, id, eventId, origin, payload, state, reason, attempts, lastStatus, createdAt, finishedAt } = delivery;
  const values: Value[] = [lane.workspaceId, id, lane.webhookId, eventId, origin, state];
  const added = await tx.query(
    `INSERT INTO broxi.deliveries (workspace_id, id, webhook_id, event_id, origin, state, reason, attempts, last_status,
        created_at, finished_at, at_fallback, thin, aside)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8::integer, $9::integer, $10::bigint, $11::bigint, false, $12::boolean,
        ${isAside('$2', 'del')}
      WHERE NOT EXISTS (SELECT 1 FROM broxi.queue WHERE workspace_id = $1 AND id = $2) RETURNING id`,
    [...values, withoutNul(reason), attempts, lastStatus, createdAt, finishedAt, payload === 'thin'],
  );
  if (added.length === 0) throw new Error(`there is a delivery ${id} already`);
}
