import { lastStatusOf } from '../../../domain/attempt.ts';
import { BATCH_TYPE } from '../../../domain/batch.ts';
import { DELIVERY_CLASS } from '../../../domain/delivery.ts';
import type { RecordedEvent } from '../../../domain/event.ts';
import type { Webhook } from '../../../domain/webhook.ts';
import type {
  EventLog,
  IdempotencyKey,
  PlannedEvent,
  RecordedOutcome,
  RecordResult,
  Submission,
  TestRecord,
} from '../../../store/store.ts';
import { type AnswerRow, type Disk, keyOf } from './disk.ts';
import type { DeliveryTables } from './memory-deliveries.ts';
import { inOrder, type MemoryParts } from './memory-parts.ts';

type EventLogReads = Pick<EventLog, 'getEvent' | 'listEvents' | 'webhooksAt'>;

const IDEMPOTENCY_MS = 24 * 3600 * 1000;

export function eventLogReads(disk: Disk): EventLogReads {
  return {
    getEvent: async (workspaceId, eventId) => disk.events.get(keyOf(workspaceId, eventId)) ?? null,
    async listEvents({ workspaceId, limit, before = '~', type, runId }) {
      const fitting = disk.events
        .all()
        .filter((event) => event.workspaceId === workspaceId && event.id < before)
        .filter((event) => (type === undefined ? event.type !== BATCH_TYPE : event.type === type))
        .filter((event) => (runId ?? event.runId) === event.runId);
      return inOrder(fitting, ({ id }) => id)
        .toReversed()
        .slice(0, limit);
    },
    async webhooksAt(workspaceId, revision) {
      const inForce = disk.webhooks
        .all()
        .map((versions) => versions.findLast((version) => version.revision <= revision))
        .filter((version): version is Webhook => version?.workspaceId === workspaceId && version.deletedAt === null);
      return inOrder(inForce, ({ id }) => id);
    },
  };
}

export function eventLogWrites(
  { disk, clock, group, wakes, counters, dueNow }: MemoryParts,
  rows: DeliveryTables,
): Omit<EventLog, keyof EventLogReads> {
  const addEvent = (event: RecordedEvent): string => {
    const { workspaceId, id, type, occurredAt, acceptedAt, runId, revision, dataText } = event;
    const row = { workspaceId, id, type, occurredAt, acceptedAt, runId, revision, dataText };
    disk.events.insert(keyOf(workspaceId, id), row);
    return keyOf(workspaceId, id);
  };

  const recall = (workspaceId: string, key: IdempotencyKey | null): AnswerRow | 'conflict' | null => {
    const row = key === null ? undefined : disk.answers.get(keyOf(workspaceId, key.scope, key.key));
    if (row === undefined || row.expiresAt <= clock.now()) return null;
    return row.bodyHash === key?.bodyHash ? row : 'conflict';
  };

  const remember = (workspaceId: string, key: IdempotencyKey | null, answer: Pick<AnswerRow, 'events' | 'note'>) => {
    if (key === null) return;
    const expiresAt = clock.now() + IDEMPOTENCY_MS;
    disk.answers.put(keyOf(workspaceId, key.scope, key.key), { ...answer, bodyHash: key.bodyHash, expiresAt });
  };

  const recordEvent = ({ event, deliveries, idempotency }: PlannedEvent): RecordedOutcome => {
    const known = recall(event.workspaceId, idempotency);
    if (known === 'conflict') return { kind: 'conflict' };
    const first = known?.events[0];
    if (first !== undefined && first.kind !== 'conflict') return { ...first, kind: 'duplicate' };
    const key = addEvent(event);
    const dueAt = dueNow();
    for (const { id, webhookId, route = null, run = null, payload = 'full', gathers } of deliveries) {
      const lane = { workspaceId: event.workspaceId, webhookId };
      const decided = { route, run, payload };
      const created = { lane, id, origin: 'event' as const, createdAt: event.acceptedAt, ...decided, dueAt };
      if (gathers) {
        const seq = rows.create({ ...created, event: key, class: DELIVERY_CLASS.gathering });
        wakes.addGathering(lane, { dueAt, seq });
        continue;
      }
      const first = { ...created, class: DELIVERY_CLASS.first };
      const fresh = { attempts: 0, seriesFrom: 0, atFallback: false };
      wakes.addFirst({ ...first, seq: rows.create({ ...first, event: key }), ...fresh, event });
    }
    const outcome = { kind: 'recorded', id: event.id, type: event.type, deliveries: deliveries.length } as const;
    remember(event.workspaceId, idempotency, { events: [outcome], note: null });
    counters.eventsAccepted += 1;
    counters.deliveriesCreated += deliveries.length;
    counters.pending += deliveries.length;
    return outcome;
  };

  const record = ({ workspaceId, events, idempotency, note }: Submission): RecordResult => {
    const known = recall(workspaceId, idempotency);
    if (known === 'conflict') return { kind: 'conflict' };
    if (known !== null) return { kind: 'duplicate', events: known.events, note: known.note };
    const outcomes = events.map(recordEvent);
    remember(workspaceId, idempotency, { events: outcomes, note });
    return { kind: 'recorded', events: outcomes };
  };

  const recordTest = ({ event, lane, deliveryId, payload, state, reason, attempt, destination }: TestRecord) => {
    rows.createFinished({
      ...{ lane, id: deliveryId, event: addEvent(event), origin: 'test', payload, state, reason },
      ...{ route: null, attempts: attempt.number, lastStatus: lastStatusOf(attempt), createdAt: attempt.startedAt },
    });
    rows.addAttempt(keyOf(lane.workspaceId, deliveryId), attempt);
    rows.learn(lane, destination, attempt.webhookVersion);
  };

  return {
    record: (submission) => group.run(() => record(submission)),
    recordTest: (test) => group.run(() => recordTest(test)),
  };
}
