import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { AttemptRecord } from '../../domain/attempt.ts';
import type { DeliveryOrigin } from '../../domain/delivery.ts';
import type { Destination, Lane } from '../../domain/webhook.ts';

/** Writes what is known once an attempt is over: its record, the terminal delivery, what its destination taught. */
export class AttemptWriter {
  readonly #clock: Clock;
  readonly #insertAttempt;
  readonly #insertDelivery;
  readonly #putDestination;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#insertAttempt = database.prepare(`
      INSERT INTO attempts (workspace_id, delivery_id, number, id, started_at, duration_ms, url, webhook_version, outcome, reason, exchanges)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#insertDelivery = database.prepare(`
      INSERT INTO deliveries (workspace_id, id, webhook_id, event_id, origin, state, attempts, created_at, finished_at, reason, last_status)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#putDestination = database.prepare(`
      INSERT OR REPLACE INTO destinations (workspace_id, webhook_id, url, scheme, scheme_learned_at, not_before)
      VALUES (?, ?, ?, ?, ?, ?)`);
  }

  add(workspaceId: string, deliveryId: string, attempt: AttemptRecord): void {
    this.#insertAttempt.run(
      workspaceId, deliveryId, attempt.number, attempt.id, attempt.startedAt, attempt.durationMs, attempt.url,
      attempt.webhookVersion, attempt.outcome, attempt.reason, JSON.stringify(attempt.exchanges),
    );
  }

  finish(delivery: FinishedDelivery): void {
    this.#insertDelivery.run(
      delivery.lane.workspaceId, delivery.id, delivery.lane.webhookId, delivery.eventId, delivery.origin, delivery.state,
      delivery.attempts, delivery.createdAt, this.#clock.now(), delivery.reason, delivery.lastStatus,
    );
  }

  learn(lane: Lane, learned: { url: string; value: Destination } | null): void {
    if (learned === null) return;
    const { scheme, schemeLearnedAt, notBefore } = learned.value;
    this.#putDestination.run(lane.workspaceId, lane.webhookId, learned.url, scheme, schemeLearnedAt, notBefore);
  }

  /** HTTP status of the last exchange; null if it brought no answer. */
  lastStatusOf(attempt: AttemptRecord): number | null {
    const result = attempt.exchanges.at(-1)?.result;
    return result?.kind === 'answered' ? result.status : null;
  }
}

interface FinishedDelivery {
  lane: Lane;
  id: string;
  eventId: string;
  origin: DeliveryOrigin;
  state: 'delivered' | 'failed' | 'cancelled';
  reason: string | null;
  attempts: number;
  lastStatus: number | null;
  createdAt: number;
}
