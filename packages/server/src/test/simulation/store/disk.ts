import type { AttemptRecord } from '../../../domain/attempt.ts';
import type { DeliveryClass, DeliveryOrigin, DeliveryState, PayloadKind } from '../../../domain/delivery.ts';
import type { RecordedEvent } from '../../../domain/event.ts';
import type { Hold } from '../../../domain/hold.ts';
import type { Destination, Lane, Webhook } from '../../../domain/webhook.ts';
import { StoreUnavailableError } from '../../../errors.ts';
import { SHARDS } from '../../../store/postgres/shards.ts';
import type { ApiKey, AuditEntry, CustomEventType, ReadToken, RecordedOutcome, Wake } from '../../../store/store.ts';
import { Journal, Table } from './journal.ts';

/** What is wrong with a disk: `full` and `locked` refuse writes, `away` reads as well. */
export type DiskFault = 'full' | 'locked' | 'away';

/** The disk of a simulation. It outlasts the processes that read and write it. */
export class Disk {
  readonly journal = new Journal();
  readonly workspaces = this.#table<{ id: string; name: string; revision: number }>();
  readonly apiKeys = this.#table<ApiKey>();
  /** By lane: every version of a webhook, oldest first. */
  readonly webhooks = this.#table<readonly Webhook[]>();
  /** By lane and URL. */
  readonly destinations = this.#table<DestinationRow>();
  /** By lane. */
  readonly holds = this.#table<{ lane: Lane; hold: Hold }>();
  /** By lane. */
  readonly readTokens = this.#table<{ lane: Lane; token: ReadToken }>();
  readonly eventTypes = this.#table<CustomEventType>();
  readonly audit = this.#table<AuditEntry>();
  readonly answers = this.#table<AnswerRow>();
  /** By workspace and id, as deliveries are. */
  readonly events = this.#table<RecordedEvent>();
  readonly deliveries = this.#table<DeliveryRow>();
  /** What is owed: by the key of the delivery. */
  readonly queue = this.#table<QueueRow>();
  /** By the key of the delivery: in the order of their numbers. */
  readonly attempts = this.#table<readonly AttemptRecord[]>();
  /** News between nodes that share it. */
  readonly wakes = this.#table<{ shard: number; wake: Wake }>();
  /** Nodes that share it, and when each is taken for dead. */
  readonly nodes = new Map<string, number>();
  /** Whose each shard is; null: nobody's. */
  readonly shards: (string | null)[] = Array.from({ length: SHARDS }, () => null);
  /** The database of several nodes, which gives numbers when a transaction writes and not when it ends. */
  isShared = false;
  readonly #last = this.#table<{ seq: number; createdAt: number }>();
  #wakesWritten = 0;
  #lastShared = { seq: 0, createdAt: 0 };
  /** Null: all is well. */
  fault: DiskFault | null = null;

  #table<Row>(): Table<Row> {
    return new Table<Row>(this.journal);
  }

  /** The delivery that was taken in last; zeros: there is none. */
  get last(): { seq: number; createdAt: number } {
    if (this.isShared) return this.#lastShared;
    return this.#last.get('delivery') ?? { seq: 0, createdAt: 0 };
  }

  /** A key for news. */
  nextWake(): string {
    this.#wakesWritten += 1;
    return String(this.#wakesWritten);
  }

  /** A place in the order of ingest. */
  nextSeq(createdAt: number): number {
    const seq = this.last.seq + 1;
    if (this.isShared) this.#lastShared = { seq, createdAt };
    else this.#last.put('delivery', { seq, createdAt });
    return seq;
  }
}

export interface DestinationRow {
  lane: Lane;
  url: string;
  value: Destination;
}

export interface DeliveryRow {
  key: string;
  seq: number;
  lane: Lane;
  id: string;
  /** Key of the event. */
  event: string;
  origin: DeliveryOrigin;
  /** Never `sending`, which is known to the engine alone. */
  state: DeliveryState;
  class: DeliveryClass;
  dueAt: number | null;
  attempts: number;
  seriesFrom: number;
  /** Id of the route; null: the webhook's own URL. */
  route: number | null;
  /** That it goes in order with; null: none. */
  run: string | null;
  /** It goes, or went, to the webhook's fallback. */
  atFallback: boolean;
  payload: PayloadKind;
  createdAt: number;
  finishedAt: number | null;
  reason: string | null;
  lastStatus: number | null;
  /** Key of the batch that it is a member of. */
  batch: string | null;
  /** The transaction that made it. */
  createdIn: number;
}

/** Where a delivery waits. */
export interface QueueRow {
  lane: Lane;
  /** Of the delivery. */
  key: string;
  seq: number;
  class: DeliveryClass;
  dueAt: number;
}

/** What an idempotency key was answered. */
export interface AnswerRow {
  bodyHash: string;
  events: readonly RecordedOutcome[];
  note: string | null;
  expiresAt: number;
}

/** Of a row that is told apart within its workspace. */
export function keyOf(workspaceId: string, ...names: readonly string[]): string {
  return [workspaceId, ...names].join('\u0000');
}

export function isLane(one: Lane, other: Lane): boolean {
  return one.webhookId === other.webhookId && one.workspaceId === other.workspaceId;
}

/** What a store says while its disk is away, of reads and writes. */
export function unavailable(fault: string): StoreUnavailableError {
  return new StoreUnavailableError(`The simulated disk is ${fault}.`, undefined);
}
