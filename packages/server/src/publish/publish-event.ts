import { createHash } from 'node:crypto';
import { catalog, isBuiltInType, isReservedType, nearestNames } from '@broxi/events';
import type { Clock } from '../clock.ts';
import { runIdOf } from '../domain/event.ts';
import { OWN_URL } from '../domain/filter/matcher.ts';
import { AppError, ConflictError, type FieldError, InvalidFieldsError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { EventLog, IdempotencyKey, PlannedDelivery, PlannedEvent, RecordedOutcome } from '../store/store.ts';
import type { DataSchemas } from './data-schemas.ts';
import type { WorkspaceCache, WorkspaceView } from './workspace-cache.ts';

/** The one way in: parse, match, plan, record. What it answers is on disk, and owed. */
export interface Publisher {
  /**
   * @param request.input the parsed body: `{ event, data, timestamp?, id? }`
   * @throws InvalidFieldsError, ConflictError('idempotency_conflict'), StoreUnavailableError
   */
  publishEvent(request: PublishRequest): Promise<PublishAnswer>;
  /**
   * Takes each item by itself, and all that are valid in one commit.
   * @param request.input `{ events: [...] }` or a bare list of 1 to 1,000 items
   */
  publishBatch(request: PublishRequest): Promise<{ results: BatchResult[]; duplicate: boolean }>;
}

export interface PublishRequest {
  workspaceId: string;
  input: unknown;
  /** The `Idempotency-Key` header. */
  idempotencyKey: string | null;
}

export interface PublishAnswer {
  id: string;
  event: string;
  /** How many webhooks are owed it. */
  deliveries: number;
  /** The answer of an earlier request with the same key. */
  duplicate: boolean;
}

export type BatchResult =
  | ({ status: 202 } & PublishAnswer)
  | { status: 422; errors: readonly FieldError[] }
  | { status: 409; errors: readonly FieldError[] };

export const MAX_BATCH_ITEMS = 1_000;
export const MAX_EVENT_BYTES = 256 * 1024;

const SINGLE_ROUTE = 'POST /v1/events';
const BATCH_ROUTE = 'POST /v1/events/batch';
const FIELDS = ['event', 'data', 'timestamp', 'id'];
const DIFFERENT_BODY = 'was used with another body within the last 24 hours; use a new one for a new event';

export function createPublisher(options: {
  events: Pick<EventLog, 'record'>;
  workspaces: WorkspaceCache;
  schemas: DataSchemas;
  clock: Clock;
}): Publisher {
  const { events, workspaces, schemas, clock } = options;

  return {
    async publishEvent({ workspaceId, input, idempotencyKey }) {
      const view = await workspaces.get(workspaceId);
      const draft = parseEvent(input, view, schemas);
      const key = idempotencyKey ?? draft.id;
      const idempotency = key === null ? null : { scope: SINGLE_ROUTE, key, bodyHash: hashOf(input) };
      const planned = plan(draft, { workspaceId, view, now: clock.now(), idempotency });
      const result = await events.record({ workspaceId, events: [planned], idempotency: null, note: null });
      const outcome = result.kind === 'conflict' ? undefined : result.events[0];
      if (outcome === undefined || outcome.kind === 'conflict') {
        throw new ConflictError('idempotency_conflict', `Idempotency key "${key}" ${DIFFERENT_BODY}.`);
      }
      return answerOf(outcome);
    },

    async publishBatch({ workspaceId, input, idempotencyKey }) {
      const items = itemsOf(input);
      const view = await workspaces.get(workspaceId);
      const now = clock.now();
      const planned: PlannedEvent[] = [];
      const refused = new Map<number, BatchResult>();
      for (const [position, item] of items.entries()) {
        try {
          const draft = parseEvent(item, view, schemas);
          const idempotency =
            draft.id === null ? null : { scope: BATCH_ROUTE, key: `item:${draft.id}`, bodyHash: hashOf(item) };
          planned.push(plan(draft, { workspaceId, view, now, idempotency }));
        } catch (error) {
          if (!(error instanceof InvalidFieldsError)) throw error;
          refused.set(position, { status: 422, errors: error.fields });
        }
      }
      const idempotency =
        idempotencyKey === null
          ? null
          : { scope: BATCH_ROUTE, key: `request:${idempotencyKey}`, bodyHash: hashOf(input) };
      const note = JSON.stringify([...refused]);
      const result =
        planned.length === 0 && idempotency === null
          ? { kind: 'recorded' as const, events: [] }
          : await events.record({ workspaceId, events: planned, idempotency, note });
      if (result.kind === 'conflict') {
        throw new ConflictError('idempotency_conflict', `Idempotency key "${idempotencyKey}" ${DIFFERENT_BODY}.`);
      }
      const duplicate = result.kind === 'duplicate';
      const refusedThen =
        duplicate && result.note ? new Map(JSON.parse(result.note) as [number, BatchResult][]) : refused;
      const outcomes = result.events.values();
      return {
        duplicate,
        results: items.map((_, position) => {
          const refusal = refusedThen.get(position);
          if (refusal !== undefined) return refusal;
          const outcome = outcomes.next().value;
          if (outcome === undefined || outcome.kind === 'conflict') {
            return { status: 409, errors: [{ path: 'id', message: DIFFERENT_BODY }] };
          }
          return { status: 202, ...answerOf(duplicate ? { ...outcome, kind: 'duplicate' } : outcome) };
        }),
      };
    },
  };
}

/** A valid event that is not planned yet. */
interface Draft {
  type: string;
  data: unknown;
  dataText: string;
  runId: string | null;
  occurredAt: number | null;
  id: string | null;
}

function parseEvent(input: unknown, view: WorkspaceView, schemas: DataSchemas): Draft {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new InvalidFieldsError([{ path: '', message: 'must be an object {event, data, timestamp?, id?}' }]);
  }
  const { event, data, timestamp, id } = input as Record<string, unknown>;
  const errors: FieldError[] = Object.keys(input)
    .filter((name) => !FIELDS.includes(name))
    .map((name) => ({ path: name, message: `is not a field of an event; accepted: ${FIELDS.join(', ')}` }));
  errors.push(...checkType(event, view));
  if (data === undefined) errors.push({ path: 'data', message: 'is required: an object' });
  else if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    errors.push({ path: 'data', message: 'must be an object' });
  } else if (errors.length === 0 && typeof event === 'string') {
    const own = view.eventTypes.get(event);
    errors.push(...(own === undefined ? schemas.checkBuiltIn(event, data) : schemas.checkCustom(own.schemaText, data)));
  }
  const occurredAt = parseTimestamp(timestamp, errors);
  if (id !== undefined && (typeof id !== 'string' || id.length < 1 || id.length > 255)) {
    errors.push({ path: 'id', message: 'must be a text of 1 to 255 characters; it makes the event idempotent' });
  }
  if (errors.length > 0) throw new InvalidFieldsError(errors);
  const dataText = JSON.stringify(data);
  if (Buffer.byteLength(dataText) > MAX_EVENT_BYTES) {
    throw new InvalidFieldsError([{ path: 'data', message: 'is larger than 256 KiB' }]);
  }
  return {
    type: event as string,
    data,
    dataText,
    runId: runIdOf(data),
    occurredAt,
    id: (id as string | undefined) ?? null,
  };
}

function checkType(event: unknown, view: WorkspaceView): FieldError[] {
  if (typeof event !== 'string') return [{ path: 'event', message: 'is required: the name of an event type' }];
  if (isReservedType(event))
    return [{ path: 'event', message: `${event} is sent by the server itself; it cannot be published` }];
  if (isBuiltInType(event) || view.eventTypes.has(event)) return [];
  const names = nearestNames(event, [
    ...Object.keys(catalog).filter((name) => !isReservedType(name)),
    ...view.eventTypes.keys(),
  ]);
  const hint = names.length > 0 ? `; did you mean ${names.join(' or ')}?` : '; see GET /v1/event-types';
  return [{ path: 'event', message: `"${event}" is not an event type of this workspace${hint}` }];
}

/** ISO 8601 with a zone; 0000 to 9999. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

function parseTimestamp(timestamp: unknown, errors: FieldError[]): number | null {
  if (timestamp === undefined) return null;
  const at = typeof timestamp === 'string' && TIMESTAMP.test(timestamp) ? Date.parse(timestamp) : Number.NaN;
  if (Number.isNaN(at)) {
    errors.push({
      path: 'timestamp',
      message: 'must be an ISO 8601 instant with its zone, such as 2026-01-15T10:30:00.123Z',
    });
    return null;
  }
  return at;
}

function plan(
  draft: Draft,
  at: { workspaceId: string; view: WorkspaceView; now: number; idempotency: IdempotencyKey | null },
): PlannedEvent {
  const { workspaceId, view, now, idempotency } = at;
  return {
    event: {
      workspaceId,
      id: newId('evt'),
      type: draft.type,
      occurredAt: draft.occurredAt ?? now,
      acceptedAt: now,
      runId: draft.runId,
      revision: view.revision,
      dataText: draft.dataText,
    },
    deliveries: planDeliveries(draft, view),
    idempotency,
  };
}

/** One for each active webhook that subscribes to the type and whose filters hold; with what is decided now, once for all. */
function planDeliveries({ type, data }: Draft, view: WorkspaceView): PlannedDelivery[] {
  const subject = { event: type, data };
  const planned: PlannedDelivery[] = [];
  for (const { webhook, matcher } of view.subscribersOf(type)) {
    if (!webhook.config.active) continue;
    const match = matcher === null ? OWN_URL : matcher(subject);
    if (match === null) continue;
    const delivery: PlannedDelivery = { id: newId('del'), webhookId: webhook.id };
    if (match.route !== null) delivery.route = match.route;
    if (webhook.config.payload === 'thin') delivery.payload = 'thin';
    planned.push(delivery);
  }
  return planned;
}

function itemsOf(input: unknown): readonly unknown[] {
  const items = Array.isArray(input) ? input : (input as { events?: unknown } | null)?.events;
  if (!Array.isArray(items) || items.length < 1) {
    throw new InvalidFieldsError([{ path: 'events', message: 'must be a list of 1 to 1,000 events' }]);
  }
  if (items.length > MAX_BATCH_ITEMS) {
    throw new AppError('payload_too_large', `A batch takes at most 1,000 events; this one has ${items.length}.`);
  }
  return items;
}

function answerOf(outcome: Exclude<RecordedOutcome, { kind: 'conflict' }>): PublishAnswer {
  return {
    id: outcome.id,
    event: outcome.type,
    deliveries: outcome.deliveries,
    duplicate: outcome.kind === 'duplicate',
  };
}

function hashOf(input: unknown): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex');
}
