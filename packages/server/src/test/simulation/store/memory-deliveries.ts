import type { AttemptRecord } from '../../../domain/attempt.ts';
import { destinationUrls } from '../../../domain/target.ts';
import type { Destination, Lane } from '../../../domain/webhook.ts';
import { UNKNOWN_DESTINATION } from '../../../domain/webhook.ts';
import { newId } from '../../../ids.ts';
import { type DeliveryRow, isLane, keyOf, type QueueRow } from './disk.ts';
import { versionsOf } from './memory-directory.ts';
import type { MemoryParts } from './memory-parts.ts';

type NewDelivery = Pick<
  DeliveryRow,
  'lane' | 'id' | 'event' | 'origin' | 'class' | 'createdAt' | 'route' | 'run' | 'payload'
> & {
  dueAt: number;
  /** Default 0. */
  seriesFrom?: number;
  /** Default false. */
  atFallback?: boolean;
};
type FinishedDelivery = Pick<
  DeliveryRow,
  | 'lane'
  | 'id'
  | 'event'
  | 'origin'
  | 'route'
  | 'payload'
  | 'state'
  | 'reason'
  | 'attempts'
  | 'lastStatus'
  | 'createdAt'
> & {
  /** Default false. */
  atFallback?: boolean;
};

/** What is written about deliveries and their receivers. Each call runs inside the caller's transaction. */
export class DeliveryTables {
  readonly #parts: Pick<MemoryParts, 'disk' | 'clock' | 'audit'>;

  constructor(parts: Pick<MemoryParts, 'disk' | 'clock' | 'audit'>) {
    this.#parts = parts;
  }

  /** A new delivery that is owed. @returns its place in the order of ingest */
  create(delivery: NewDelivery): number {
    const progress = { state: 'pending', attempts: 0, reason: null, lastStatus: null } as const;
    const { seriesFrom = 0, atFallback = false } = delivery;
    const row = this.#insert({ ...delivery, seriesFrom, atFallback, ...progress, finishedAt: null });
    this.#enqueue(row, delivery);
    return row.seq;
  }

  /** A delivery that never waited, such as a test. */
  createFinished({ atFallback = false, ...delivery }: FinishedDelivery): void {
    const finishedAt = this.#parts.clock.now();
    this.#insert({ ...delivery, atFallback, class: 0, dueAt: null, seriesFrom: 0, run: null, finishedAt });
  }

  #insert(delivery: Omit<DeliveryRow, 'key' | 'seq' | 'batch' | 'createdIn'>): DeliveryRow {
    const { disk } = this.#parts;
    const key = keyOf(delivery.lane.workspaceId, delivery.id);
    const seq = disk.nextSeq(delivery.createdAt);
    const row = { ...delivery, key, seq, batch: null, createdIn: disk.journal.committed + 1 };
    disk.deliveries.insert(key, row);
    return row;
  }

  #enqueue({ key, seq, lane }: DeliveryRow, place: Pick<QueueRow, 'class' | 'dueAt'>): void {
    this.#parts.disk.queue.insert(key, { key, seq, lane, class: place.class, dueAt: place.dueAt });
  }

  /** The fence: takes a delivery out of its place in the queue. @returns false if it is not there any more */
  dequeue(lane: Lane, id: string, place: Pick<QueueRow, 'class' | 'dueAt' | 'seq'>): boolean {
    const key = keyOf(lane.workspaceId, id);
    const row = this.#parts.disk.queue.get(key);
    if (row === undefined || !isLane(row.lane, lane)) return false;
    if (row.class !== place.class || row.dueAt !== place.dueAt || row.seq !== place.seq) return false;
    return this.#parts.disk.queue.delete(key);
  }

  /** Puts a delivery that was taken out, or is over, into the queue. */
  requeue(row: DeliveryRow, place: Pick<QueueRow, 'class' | 'dueAt'>, changes: Partial<DeliveryRow>): void {
    const { disk } = this.#parts;
    disk.deliveries.put(row.key, { ...row, ...changes, ...place, state: 'pending', finishedAt: null });
    this.#enqueue(row, place);
  }

  /** Makes a delivery that was taken out terminal. */
  finish(row: DeliveryRow, outcome: Pick<DeliveryRow, 'state' | 'attempts' | 'reason' | 'lastStatus'>): void {
    const finishedAt = this.#parts.clock.now();
    this.#parts.disk.deliveries.put(row.key, { ...row, ...outcome, dueAt: null, finishedAt });
  }

  find(lane: Lane, id: string): DeliveryRow | undefined {
    const row = this.#parts.disk.deliveries.get(keyOf(lane.workspaceId, id));
    return row !== undefined && isLane(row.lane, lane) ? row : undefined;
  }

  /** @throws Error if there is an attempt of this number */
  addAttempt(key: string, attempt: AttemptRecord): void {
    const before = this.#parts.disk.attempts.get(key) ?? [];
    if (before.some(({ number }) => number === attempt.number))
      throw new Error(`attempt ${attempt.number} is recorded already`);
    const attempts = [...before, attempt].toSorted((a, b) => a.number - b.number);
    this.#parts.disk.attempts.put(key, attempts);
  }

  /** What is known of every URL of a webhook. */
  destinations(lane: Lane): Map<string, Destination> {
    const rows = this.#parts.disk.destinations.all().filter((row) => isLane(row.lane, lane));
    return new Map(rows.map(({ url, value }) => [url, value]));
  }

  destination(lane: Lane, url: string): Destination {
    const key = keyOf(lane.workspaceId, lane.webhookId, url);
    return this.#parts.disk.destinations.get(key)?.value ?? UNKNOWN_DESTINATION;
  }

  /** Nothing of an attempt under a URL or secret that the webhook has not kept since. */
  learn(lane: Lane, learned: { url: string; value: Destination } | null, webhookVersion: number): void {
    if (learned === null) return;
    const { url, value } = learned;
    const [first, ...later] = versionsOf(this.#parts.disk, lane).slice(webhookVersion - 1);
    const isKept = later.every((each) => each.secret === first?.secret && destinationUrls(each.config).includes(url));
    if (!isKept) return;
    const { scheme, circuit } = this.destination(lane, url);
    this.#parts.disk.destinations.put(keyOf(lane.workspaceId, lane.webhookId, url), { lane, url, value });
    if (value.scheme !== null && value.scheme !== scheme) this.note(lane, 'webhook.signature_scheme_learned', url);
    const [wasOpen, isOpen] = [circuit.state === 'open', value.circuit.state === 'open'];
    if (wasOpen !== isOpen) this.note(lane, isOpen ? 'webhook.circuit_opened' : 'webhook.circuit_closed', url);
  }

  /** An entry of the audit log about what nobody asked for. */
  note({ workspaceId, webhookId: subject }: Lane, action: string, detail: string): void {
    const at = this.#parts.clock.now();
    this.#parts.audit({ workspaceId, id: newId('aud'), at, actor: 'system', action, subject, detail });
  }
}
