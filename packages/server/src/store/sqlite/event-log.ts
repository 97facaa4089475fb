import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { lastStatusOf } from '../../domain/attempt.ts';
import { BATCH_TYPE } from '../../domain/batch.ts';
import { IDEMPOTENCY_MS, type KeptAnswer } from '../idempotency.ts';
import { type EventRow, eventFromRow } from '../rows/event-row.ts';
import { type WebhookRow, webhookFromRow } from '../rows/webhook-row.ts';
import type {
  EventLog,
  IdempotencyKey,
  PlannedEvent,
  RecordedOutcome,
  RecordResult,
  StoreCounters,
  Submission,
  TestRecord,
} from '../store.ts';
import type { Vault } from '../vault.ts';
import type { CommitGroup } from './commit-group.ts';
import { oneRow } from './database.ts';
import type { DeliveryRows } from './delivery-rows.ts';
import type { DestinationRows } from './destination-rows.ts';
import type { EventRows } from './event-rows.ts';
import type { NewsRows } from './news-rows.ts';
import type { RecoverOutage } from './outage-recovery.ts';

export type EventLogReads = Pick<EventLog, 'getEvent' | 'listEvents' | 'webhooksAt'>;
export type EventLogWrites = Omit<EventLog, keyof EventLogReads>;

/** Expired keys removed per recorded request that carries one: more than are added, so that the table stays small. */
const EXPIRED_KEYS_PER_REQUEST = 4;

export function eventLogReads(database: DatabaseSync, vault: Vault): EventLogReads {
  const ofWorkspace = 'workspace = (SELECT number FROM workspace_numbers WHERE workspace_id = :workspaceId)';
  const ofType = `(type = :type OR (:type IS NULL AND type <> '${BATCH_TYPE}'))`;
  const byId = database.prepare(`SELECT * FROM events WHERE ${ofWorkspace} AND id = :id`);
  const list = database.prepare(`
    SELECT * FROM events WHERE ${ofWorkspace} AND id < :before AND ${ofType}
    ORDER BY id DESC LIMIT :limit`);
  const listRun = database.prepare(`
    SELECT * FROM events WHERE ${ofWorkspace} AND run_id = :runId AND id < :before AND ${ofType}
    ORDER BY id DESC LIMIT :limit`);
  const inForce = database.prepare(`
    SELECT * FROM webhook_versions v
    WHERE workspace_id = :workspaceId AND deleted_at IS NULL AND version = (
      SELECT max(version) FROM webhook_versions
      WHERE workspace_id = v.workspace_id AND webhook_id = v.webhook_id AND revision <= :revision)
    ORDER BY webhook_id`);
  return {
    async getEvent(workspaceId, eventId) {
      const row = byId.get({ workspaceId, id: eventId }) as unknown as EventRow | undefined;
      return row === undefined ? null : eventFromRow(workspaceId, row);
    },
    async listEvents({ workspaceId, limit, before = '~', type = null, runId }) {
      const rows =
        runId === undefined
          ? list.all({ workspaceId, before, type, limit })
          : listRun.all({ workspaceId, before, type, limit, runId });
      return (rows as unknown as EventRow[]).map((row) => eventFromRow(workspaceId, row));
    },
    async webhooksAt(workspaceId, revision) {
      return (inForce.all({ workspaceId, revision }) as unknown as WebhookRow[]).map((row) =>
        webhookFromRow(row, vault),
      );
    },
  };
}

export function eventLogWrites(options: {
  database: DatabaseSync;
  clock: Clock;
  group: CommitGroup;
  rows: DeliveryRows;
  eventRows: EventRows;
  destinations: DestinationRows;
  counters: StoreCounters;
  news: NewsRows;
  recoverOutage: RecoverOutage;
}): EventLogWrites {
  const { database, clock, group, rows, eventRows, destinations, counters, news, recoverOutage } = options;
  const findKey = database.prepare(
    'SELECT body_hash, answer FROM idempotency WHERE workspace_id = ? AND scope = ? AND key = ? AND expires_at > ?',
  );
  const putKey = database.prepare(`
    INSERT OR REPLACE INTO idempotency (workspace_id, scope, key, body_hash, answer, expires_at) VALUES (?, ?, ?, ?, ?, ?)`);
  const dropExpired = database.prepare(`
    DELETE FROM idempotency WHERE (workspace_id, scope, key) IN
      (SELECT workspace_id, scope, key FROM idempotency WHERE expires_at <= ? LIMIT ${EXPIRED_KEYS_PER_REQUEST})`);

  const recall = (workspaceId: string, key: IdempotencyKey | null): KeptAnswer | 'conflict' | null => {
    if (key === null) return null;
    const row = oneRow<{ body_hash: string; answer: string }>(findKey, workspaceId, key.scope, key.key, clock.now());
    if (row === null) return null;
    return row.body_hash === key.bodyHash ? (JSON.parse(row.answer) as KeptAnswer) : 'conflict';
  };

  const remember = (workspaceId: string, key: IdempotencyKey | null, answer: KeptAnswer) => {
    if (key === null) return;
    const now = clock.now();
    dropExpired.run(now);
    putKey.run(workspaceId, key.scope, key.key, key.bodyHash, JSON.stringify(answer), now + IDEMPOTENCY_MS);
  };

  const recordEvent = ({ event, deliveries, idempotency }: PlannedEvent): RecordedOutcome => {
    const known = recall(event.workspaceId, idempotency);
    if (known === 'conflict') return { kind: 'conflict' };
    const first = known?.events[0];
    if (first !== undefined && first.kind !== 'conflict') return { ...first, kind: 'duplicate' };
    eventRows.owe(event, deliveries);
    const outcome: RecordedOutcome = {
      kind: 'recorded',
      id: event.id,
      type: event.type,
      deliveries: deliveries.length,
    };
    remember(event.workspaceId, idempotency, { events: [outcome], note: null });
    counters.eventsAccepted += 1;
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
    const seq = rows.createFinished({
      lane,
      id: deliveryId,
      event: eventRows.add(event),
      origin: 'test',
      payload,
      state,
      reason,
      attempts: attempt.number,
      lastStatus: lastStatusOf(attempt),
      createdAt: attempt.startedAt,
      route: null,
    });
    rows.addAttempt(seq, attempt);
    const learned = destinations.learn(lane, destination, attempt.webhookVersion);
    recoverOutage(lane, learned);
    news.tell(lane, { delivery: { id: deliveryId, event }, attempt, next: null, destination: learned, disabled: null });
  };

  return {
    record: (submission) => group.run(() => record(submission)),
    recordTest: (test) => group.run(() => recordTest(test)),
  };
}
