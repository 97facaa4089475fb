import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { AttemptRecord } from '../../domain/attempt.ts';
import {
  DELIVERY_CLASS,
  type DeliveryClass,
  type DeliveryOrigin,
  type DeliveryState,
  type PayloadKind,
} from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import { allRows, oneRow } from './database.ts';
import type { RowNumbers } from './row-numbers.ts';

/** The statements that write deliveries, their place in the queue, and their attempts. Each runs inside the caller's transaction. */
export class DeliveryRows {
  readonly #clock: Clock;
  readonly #numbers: RowNumbers;
  readonly #insertOwed;
  readonly #insertFinished;
  readonly #enqueue;
  readonly #dequeue;
  readonly #postpone;
  readonly #divert;
  readonly #finish;
  readonly #recover;
  readonly #find;
  readonly #waiting;
  readonly #insertAttempt;
  readonly #lastSeq;
  readonly #countWaiting;
  readonly #countRecovered;
  readonly #latestCreatedAt;

  constructor(database: DatabaseSync, { clock, numbers }: { clock: Clock; numbers: RowNumbers }) {
    this.#clock = clock;
    this.#numbers = numbers;
    this.#lastSeq = database.prepare('SELECT max(seq) AS seq FROM deliveries');
    this.#countWaiting = database.prepare('SELECT count(*) AS count FROM queue');
    this.#countRecovered = database.prepare(`
      SELECT count(*) AS count FROM (
        SELECT 1 FROM queue WHERE lane = ? AND class = ${DELIVERY_CLASS.recovered} LIMIT ?)`);
    this.#latestCreatedAt = database.prepare('SELECT created_at FROM deliveries ORDER BY seq DESC LIMIT 1');
    // What is the same for all of them is written out: each parameter has its price.
    this.#insertOwed = database.prepare(`
      INSERT INTO deliveries (workspace, id, lane, event, origin, state, class, due_at, attempts, series_from, created_at,
        route, run, at_fallback, thin)
      VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, 0, ?, ?, ?, ?, ?, ?)`);
    this.#insertFinished = database.prepare(`
      INSERT INTO deliveries (workspace, id, lane, event, origin, state, class, attempts, series_from, created_at, finished_at,
        reason, last_status, route, at_fallback, thin)
      VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?, ?, ?, ?, ?, ?)`);
    this.#enqueue = database.prepare('INSERT INTO queue (lane, class, due_at, delivery) VALUES (?, ?, ?, ?)');
    this.#dequeue = database.prepare('DELETE FROM queue WHERE lane = ? AND class = ? AND due_at = ? AND delivery = ?');
    this.#postpone = database.prepare(`
      UPDATE deliveries SET class = ?, due_at = ?, attempts = ?, series_from = series_from + ?, reason = ?, last_status = ?
      WHERE seq = ?`);
    this.#divert = database.prepare('UPDATE deliveries SET at_fallback = 1, series_from = attempts WHERE seq = ?');
    this.#finish = database.prepare(`
      UPDATE deliveries SET state = ?, due_at = NULL, attempts = ?, finished_at = ?, reason = ?, last_status = ?
      WHERE seq = ?`);
    this.#recover = database.prepare(`
      UPDATE deliveries SET state = 'pending', class = ?, due_at = ?, series_from = attempts, at_fallback = 0,
        finished_at = NULL
      WHERE seq = ? RETURNING run`);
    this.#find = database.prepare('SELECT * FROM deliveries WHERE workspace = ? AND id = ? AND lane = ?');
    this.#waiting = database.prepare(`
      SELECT d.* FROM queue q JOIN deliveries d ON d.seq = q.delivery WHERE q.lane = ? LIMIT ?`);
    this.#insertAttempt = database.prepare(`
      INSERT INTO attempts (delivery, number, id, started_at, duration_ms, url, webhook_version, outcome, reason, exchanges,
        route)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  /** The greatest `seq` so far; 0: there is none. */
  lastSeq(): number {
    return oneRow<{ seq: number | null }>(this.#lastSeq)?.seq ?? 0;
  }

  /** What waits in all lanes. Reads every row of the queue: for the start. */
  countWaiting(): number {
    return oneRow<{ count: number }>(this.#countWaiting)?.count ?? 0;
  }

  /** What waits in a lane of what was recovered; counts no further than `most`. */
  countWaitingRecovered(lane: Lane, most: number): number {
    return oneRow<{ count: number }>(this.#countRecovered, this.#numbers.findLane(lane), most)?.count ?? 0;
  }

  /** When the latest delivery was created; 0: there is none. */
  latestCreatedAt(): number {
    return oneRow<{ created_at: number }>(this.#latestCreatedAt)?.created_at ?? 0;
  }

  /** A new delivery that is owed. @returns its `seq` */
  create(delivery: NewDelivery): number {
    const lane = this.#numbers.ofLane(delivery.lane);
    const { lastInsertRowid } = this.#insertOwed.run(
      this.#numbers.ofWorkspace(delivery.lane.workspaceId),
      delivery.id,
      lane,
      delivery.event,
      delivery.origin,
      delivery.class,
      delivery.dueAt,
      delivery.seriesFrom ?? 0,
      delivery.createdAt,
      delivery.route,
      delivery.run,
      delivery.atFallback ? 1 : 0,
      thinOf(delivery),
    );
    const seq = Number(lastInsertRowid);
    this.#enqueue.run(lane, delivery.class, delivery.dueAt, seq);
    return seq;
  }

  /** A delivery that never waited, such as a test or a batch that was given up as it was made. @returns its `seq` */
  createFinished(delivery: FinishedDelivery): number {
    const { lastInsertRowid } = this.#insertFinished.run(
      this.#numbers.ofWorkspace(delivery.lane.workspaceId),
      delivery.id,
      this.#numbers.ofLane(delivery.lane),
      delivery.event,
      delivery.origin,
      delivery.state,
      delivery.attempts,
      delivery.createdAt,
      this.#clock.now(),
      delivery.reason,
      delivery.lastStatus,
      delivery.route,
      delivery.atFallback ? 1 : 0,
      thinOf(delivery),
    );
    return Number(lastInsertRowid);
  }

  /** The fence: takes the delivery out of its place in the queue. @returns false if it is not there any more */
  dequeue(lane: Lane, place: Place): boolean {
    return this.#dequeue.run(this.#numbers.findLane(lane), place.class, place.dueAt, place.seq).changes === 1;
  }

  /** Puts a delivery that was taken out back into the queue, for later. */
  postpone(lane: Lane, place: Place, soFar: Progress & { uncharged: boolean }): void {
    const { attempts, uncharged, reason, lastStatus } = soFar;
    this.#postpone.run(place.class, place.dueAt, attempts, uncharged ? 1 : 0, reason, lastStatus, place.seq);
    this.#enqueue.run(this.#numbers.ofLane(lane), place.class, place.dueAt, place.seq);
  }

  /** A delivery goes to the webhook's fallback from now on, with a new series of attempts. */
  divert(seq: number): void {
    this.#divert.run(seq);
  }

  /** Makes a delivery that was taken out terminal. */
  finish(seq: number, state: 'delivered' | 'failed' | 'cancelled', outcome: Progress): void {
    this.#finish.run(state, outcome.attempts, this.#clock.now(), outcome.reason, outcome.lastStatus, seq);
  }

  /** Owes a finished delivery again, with a new series of attempts, where it went at first. @returns the run that it goes in order with */
  recover(lane: Lane, place: Place): string | null {
    const row = oneRow<{ run: string | null }>(this.#recover, place.class, place.dueAt, place.seq);
    this.#enqueue.run(this.#numbers.ofLane(lane), place.class, place.dueAt, place.seq);
    return row?.run ?? null;
  }

  find(lane: Lane, id: string): DeliveryRow | null {
    return oneRow<DeliveryRow>(
      this.#find,
      this.#numbers.ofWorkspace(lane.workspaceId),
      id,
      this.#numbers.findLane(lane),
    );
  }

  /** Some deliveries that wait in a lane. */
  waiting(lane: Lane, limit: number): DeliveryRow[] {
    return allRows<DeliveryRow>(this.#waiting, this.#numbers.findLane(lane), limit);
  }

  addAttempt(seq: number, attempt: AttemptRecord): void {
    this.#insertAttempt.run(
      seq,
      attempt.number,
      attempt.id,
      attempt.startedAt,
      attempt.durationMs,
      attempt.url,
      attempt.webhookVersion,
      attempt.outcome,
      attempt.reason,
      JSON.stringify(attempt.exchanges),
      attempt.route,
    );
  }
}

/** Where a delivery waits in its lane. */
interface Place {
  class: DeliveryClass;
  dueAt: number;
  seq: number;
}

interface Progress {
  attempts: number;
  reason: string | null;
  lastStatus: number | null;
}

interface NewDelivery {
  lane: Lane;
  id: string;
  /** Its `seq`. */
  event: number;
  class: DeliveryClass;
  dueAt: number;
  origin: DeliveryOrigin;
  createdAt: number;
  route: number | null;
  /** Default 0; less than that: a batch goes on with a series that another one began. */
  seriesFrom?: number;
  run: string | null;
  /** Default false; a batch carries on there what another one did not deliver. */
  atFallback?: boolean;
  payload: PayloadKind;
}

interface FinishedDelivery extends Progress {
  lane: Lane;
  id: string;
  /** Its `seq`. */
  event: number;
  origin: DeliveryOrigin;
  state: 'delivered' | 'failed';
  createdAt: number;
  route: number | null;
  /** Default false. */
  atFallback?: boolean;
  payload: PayloadKind;
}

/** A row of `deliveries`. */
export interface DeliveryRow {
  seq: number;
  id: string;
  event: number;
  origin: DeliveryOrigin;
  /** Never `sending`, which is known to the engine alone. */
  state: DeliveryState;
  class: DeliveryClass;
  due_at: number | null;
  attempts: number;
  series_from: number;
  created_at: number;
  finished_at: number | null;
  reason: string | null;
  last_status: number | null;
  route: number | null;
  at_fallback: 0 | 1;
  /** `seq` of the batch that it is a member of. */
  batch: number | null;
  run: string | null;
  thin: 1 | null;
}

function thinOf({ payload }: { payload: PayloadKind }): DeliveryRow['thin'] {
  return payload === 'thin' ? 1 : null;
}
