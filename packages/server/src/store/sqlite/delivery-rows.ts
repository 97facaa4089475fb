import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { AttemptRecord } from '../../domain/attempt.ts';
import type { DeliveryClass, DeliveryOrigin } from '../../domain/delivery.ts';
import type { Destination, Lane } from '../../domain/webhook.ts';
import { allRows, oneRow } from './database.ts';

/** The statements that write deliveries, their place in the queue, and their attempts. Each runs inside the caller's transaction. */
export class DeliveryRows {
  readonly #clock: Clock;
  readonly #insertDelivery;
  readonly #enqueue;
  readonly #dequeue;
  readonly #postpone;
  readonly #finish;
  readonly #recover;
  readonly #find;
  readonly #waitingIds;
  readonly #insertAttempt;
  readonly #putDestination;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#insertDelivery = database.prepare(`
      INSERT INTO deliveries (workspace_id, id, webhook_id, event_id, origin, state, class, due_at, attempts, series_from,
        created_at, finished_at, reason, last_status)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`);
    this.#enqueue = database.prepare(
      'INSERT INTO queue (workspace_id, webhook_id, class, due_at, id) VALUES (?, ?, ?, ?, ?)',
    );
    this.#dequeue = database.prepare(
      'DELETE FROM queue WHERE workspace_id = ? AND webhook_id = ? AND class = ? AND due_at = ? AND id = ?',
    );
    this.#postpone = database.prepare(`
      UPDATE deliveries SET class = ?, due_at = ?, attempts = ?, reason = ?, last_status = ?
      WHERE workspace_id = ? AND id = ?`);
    this.#finish = database.prepare(`
      UPDATE deliveries SET state = ?, due_at = NULL, attempts = ?, finished_at = ?, reason = ?, last_status = ?
      WHERE workspace_id = ? AND id = ?`);
    this.#recover = database.prepare(`
      UPDATE deliveries SET state = 'pending', class = ?, due_at = ?, series_from = attempts, finished_at = NULL
      WHERE workspace_id = ? AND id = ?`);
    this.#find = database.prepare('SELECT * FROM deliveries WHERE workspace_id = ? AND id = ? AND webhook_id = ?');
    this.#waitingIds = database.prepare('SELECT id FROM queue WHERE workspace_id = ? AND webhook_id = ? LIMIT ?');
    this.#insertAttempt = database.prepare(`
      INSERT INTO attempts (workspace_id, delivery_id, number, id, started_at, duration_ms, url, webhook_version, outcome, reason, exchanges)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#putDestination = database.prepare(`
      INSERT OR REPLACE INTO destinations (workspace_id, webhook_id, url, scheme, scheme_learned_at, not_before)
      VALUES (?, ?, ?, ?, ?, ?)`);
  }

  /** A new delivery that is owed. */
  create(delivery: NewDelivery): void {
    const { lane, id, dueAt } = delivery;
    this.#insertDelivery.run(
      lane.workspaceId,
      id,
      lane.webhookId,
      delivery.eventId,
      delivery.origin,
      'pending',
      delivery.class,
      dueAt,
      0,
      delivery.createdAt,
      null,
      null,
      null,
    );
    this.#enqueue.run(lane.workspaceId, lane.webhookId, delivery.class, dueAt, id);
  }

  /** A delivery that never waited, such as a test. */
  createFinished(delivery: FinishedDelivery): void {
    const { lane } = delivery;
    this.#insertDelivery.run(
      lane.workspaceId,
      delivery.id,
      lane.webhookId,
      delivery.eventId,
      delivery.origin,
      delivery.state,
      0,
      null,
      delivery.attempts,
      delivery.createdAt,
      this.#clock.now(),
      delivery.reason,
      delivery.lastStatus,
    );
  }

  /** The fence: takes the delivery out of its place in the queue. @returns false if it is not there any more */
  dequeue(lane: Lane, place: Place): boolean {
    return this.#dequeue.run(lane.workspaceId, lane.webhookId, place.class, place.dueAt, place.id).changes === 1;
  }

  /** Puts a delivery that was taken out back into the queue, for later. */
  postpone(lane: Lane, place: Place, soFar: Progress): void {
    this.#postpone.run(
      place.class,
      place.dueAt,
      soFar.attempts,
      soFar.reason,
      soFar.lastStatus,
      lane.workspaceId,
      place.id,
    );
    this.#enqueue.run(lane.workspaceId, lane.webhookId, place.class, place.dueAt, place.id);
  }

  /** Makes a delivery that was taken out terminal. */
  finish(lane: Lane, id: string, state: 'delivered' | 'failed' | 'cancelled', outcome: Progress): void {
    this.#finish.run(
      state,
      outcome.attempts,
      this.#clock.now(),
      outcome.reason,
      outcome.lastStatus,
      lane.workspaceId,
      id,
    );
  }

  /** Owes a finished delivery again, with a new series of attempts. */
  recover(lane: Lane, place: Place): void {
    this.#recover.run(place.class, place.dueAt, lane.workspaceId, place.id);
    this.#enqueue.run(lane.workspaceId, lane.webhookId, place.class, place.dueAt, place.id);
  }

  find(lane: Lane, id: string): DeliveryRow | null {
    return oneRow<DeliveryRow>(this.#find, lane.workspaceId, id, lane.webhookId);
  }

  /** Some deliveries that wait in a lane. */
  waitingIds(lane: Lane, limit: number): string[] {
    return allRows<{ id: string }>(this.#waitingIds, lane.workspaceId, lane.webhookId, limit).map(({ id }) => id);
  }

  addAttempt(workspaceId: string, deliveryId: string, attempt: AttemptRecord): void {
    this.#insertAttempt.run(
      workspaceId,
      deliveryId,
      attempt.number,
      attempt.id,
      attempt.startedAt,
      attempt.durationMs,
      attempt.url,
      attempt.webhookVersion,
      attempt.outcome,
      attempt.reason,
      JSON.stringify(attempt.exchanges),
    );
  }

  learn(lane: Lane, learned: { url: string; value: Destination } | null): void {
    if (learned === null) return;
    const { scheme, schemeLearnedAt, notBefore } = learned.value;
    this.#putDestination.run(lane.workspaceId, lane.webhookId, learned.url, scheme, schemeLearnedAt, notBefore);
  }
}

/** Where a delivery waits in its lane. */
interface Place {
  class: DeliveryClass;
  dueAt: number;
  id: string;
}

interface Progress {
  attempts: number;
  reason: string | null;
  lastStatus: number | null;
}

interface NewDelivery extends Place {
  lane: Lane;
  eventId: string;
  origin: DeliveryOrigin;
  createdAt: number;
}

interface FinishedDelivery extends Progress {
  lane: Lane;
  id: string;
  eventId: string;
  origin: DeliveryOrigin;
  state: 'delivered' | 'failed';
  createdAt: number;
}

/** A row of `deliveries`. */
export interface DeliveryRow {
  workspace_id: string;
  id: string;
  webhook_id: string;
  event_id: string;
  origin: DeliveryOrigin;
  state: 'pending' | 'delivered' | 'failed' | 'cancelled';
  class: DeliveryClass;
  due_at: number | null;
  attempts: number;
  series_from: number;
  created_at: number;
  finished_at: number | null;
  reason: string | null;
  last_status: number | null;
}
