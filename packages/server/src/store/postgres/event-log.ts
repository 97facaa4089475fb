import type { Clock } from '../../clock.ts';
import { lastStatusOf } from '../../domain/attempt.ts';
import { BATCH_TYPE } from '../../domain/batch.ts';
import { type EventRow, eventFromRow } from '../rows/event-row.ts';
import { type WebhookRow, webhookFromRow } from '../rows/webhook-row.ts';
import type { EventLog, PlannedEvent, RecordedOutcome, RecordResult, Submission, TestRecord } from '../store.ts';
import type { Vault } from '../vault.ts';
import type { CommitGroup } from './commit-group.ts';
import { firstOf, type Reads } from './database.ts';
import { learnDestination } from './destination-rows.ts';
import { addEvents, oweEvents } from './event-rows.ts';
import { addAttempts, addFinished } from './history-rows.ts';
import { KeptAnswers, type OwnedKey } from './idempotency-rows.ts';
import type { News } from './news.ts';
import { withNul, withoutNul } from './nul-free-text.ts';
import { recoverOutage } from './outage-recovery.ts';
import type { Transaction } from './transaction.ts';

export type EventLogReads = Pick<EventLog, 'getEvent' | 'listEvents' | 'webhooksAt'>;
export type EventLogWrites = Omit<EventLog, keyof EventLogReads>;

const IN_FORCE = `
  SELECT v.* FROM (
    SELECT webhook_id, max(version) AS version FROM broxi.webhook_versions
    WHERE workspace_id = $1 AND revision <= $2 GROUP BY webhook_id
  ) p JOIN broxi.webhook_versions v ON v.workspace_id = $1 AND v.webhook_id = p.webhook_id AND v.version = p.version
  WHERE v.deleted_at IS NULL ORDER BY v.webhook_id`;

export function eventLogReads(reads: Reads, vault: Vault): EventLogReads {
  const found = (workspaceId: string, row: EventRow) =>
    eventFromRow(workspaceId, { ...row, run_id: withNul(row.run_id) });
  return {
    async getEvent(workspaceId, eventId) {
      const rows = await reads.query<EventRow>('SELECT * FROM broxi.events WHERE workspace_id = $1 AND id = $2', [
        workspaceId,
        eventId,
      ]);
      const row = firstOf(rows);
      return row && found(workspaceId, row);
    },
    async listEvents({ workspaceId, limit, before = '~', type = null, runId = null }) {
      const rows = await reads.query<EventRow>(
        `SELECT * FROM broxi.events
          WHERE workspace_id = $1 AND id < $2 AND (type = $4 OR ($4::text IS NULL AND type <> '${BATCH_TYPE}')) AND ($5::text IS NULL OR run_id = $5)
          ORDER BY id DESC LIMIT $3`,
        [workspaceId, before, limit, type, withoutNul(runId)],
      );
      return rows.map((row) => found(workspaceId, row));
    },
    async webhooksAt(workspaceId, revision) {
      return (await reads.query<WebhookRow>(IN_FORCE, [workspaceId, revision])).map((row) =>
        webhookFromRow(row, vault),
      );
    },
  };
}

export function eventLogWrites(options: {
  clock: Clock;
  vault: Vault;
  group: CommitGroup;
  news: News;
  dueNow: () => number;
}): EventLogWrites {
  const { clock, vault, group, news, dueNow } = options;

  /** All requests of a group: what their keys were answered, then every event and delivery, then the new keys. */
  const record = async (tx: Transaction, submissions: readonly Submission[]): Promise<RecordResult[]> => {
    const now = clock.now();
    const answers = await KeptAnswers.find(tx, submissions.flatMap(keysOf), now);
    const owed: PlannedEvent[] = [];
    const results = submissions.map((submission) => answer(submission, answers, owed));
    await Promise.all([oweEvents(tx, owed, dueNow()), answers.keep(tx, now)]);
    tx.counts.eventsAccepted += owed.length;
    return results;
  };

  const recordTest = async (
    tx: Transaction,
    { event, lane, deliveryId: id, payload, state, reason, attempt, destination }: TestRecord,
  ) => {
    await addEvents(tx, [event]);
    await addFinished(tx, {
      lane,
      id,
      eventId: event.id,
      origin: 'test',
      payload,
      state,
      reason,
      attempts: attempt.number,
      lastStatus: lastStatusOf(attempt),
      createdAt: attempt.startedAt,
      finishedAt: clock.now(),
    });
    await addAttempts(tx, [{ workspaceId: lane.workspaceId, deliveryId: id, attempt }]);
    const { webhookVersion } = attempt;
    const learned = await learnDestination(tx, { lane, learned: destination, webhookVersion, vault, clock });
    await recoverOutage(tx, lane, learned, clock.now());
    await news.tell(tx, lane, { delivery: { id, event }, attempt, next: null, destination: learned, disabled: null });
  };

  return {
    record: (submission) => group.run(record, submission, rowsOf(submission)),
    recordTest: (test) => group.work((tx) => recordTest(tx, test)),
  };
}

/** What a request is answered; its events that are new go to `owed`, and its keys to `answers`. */
function answer(
  { workspaceId, events, idempotency, note }: Submission,
  answers: KeptAnswers,
  owed: PlannedEvent[],
): RecordResult {
  const known = answers.recall(workspaceId, idempotency);
  if (known === 'conflict') return { kind: 'conflict' };
  if (known !== null) return { kind: 'duplicate', events: known.events, note: known.note };
  const outcomes = events.map((planned) => outcomeOf(planned, answers, owed));
  answers.add(workspaceId, idempotency, { events: outcomes, note });
  return { kind: 'recorded', events: outcomes };
}

function outcomeOf(planned: PlannedEvent, answers: KeptAnswers, owed: PlannedEvent[]): RecordedOutcome {
  const { event, deliveries, idempotency } = planned;
  const known = answers.recall(event.workspaceId, idempotency);
  if (known === 'conflict') return { kind: 'conflict' };
  const first = known?.events[0];
  if (first !== undefined && first.kind !== 'conflict') return { ...first, kind: 'duplicate' };
  owed.push(planned);
  const outcome = { kind: 'recorded', id: event.id, type: event.type, deliveries: deliveries.length } as const;
  answers.add(event.workspaceId, idempotency, { events: [outcome], note: null });
  return outcome;
}

function keysOf({ workspaceId, events, idempotency }: Submission): OwnedKey[] {
  const keys = [idempotency, ...events.map((planned) => planned.idempotency)];
  return keys.flatMap((key) => (key === null ? [] : [{ workspaceId, key }]));
}

function rowsOf({ events }: Submission): number {
  return events.reduce((sum, { deliveries }) => sum + 1 + deliveries.length, 0);
}
