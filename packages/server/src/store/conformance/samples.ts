import type { AttemptRecord, ExchangeResult, ExchangeTiming } from '../../domain/attempt.ts';
import type { RecordedEvent } from '../../domain/event.ts';
import type { JobEstimate } from '../../domain/job.ts';
import { createAddressPolicy } from '../../domain/public-address.ts';
import { ALL_FAILED, type RetryFilter } from '../../domain/retry-filter.ts';
import type { Lane, Webhook } from '../../domain/webhook.ts';
import { parseWebhookConfig } from '../../domain/webhook-config.ts';
import { newId } from '../../ids.ts';
import type {
  AuditEntry,
  NewJob,
  PlannedEvent,
  QueuedDelivery,
  Submission,
  TestRecord,
  WebhookChange,
} from '../store.ts';

/** Rows as the product writes them; what a test is about, it changes. */

export const SAMPLE_AT = Date.UTC(2026, 0, 15, 10);
export const SAMPLE_URL = 'https://receiver.example/hook';

const rules = {
  allowHttp: false,
  addressPolicy: createAddressPolicy({ allowNetworks: [] }),
  headerPrefix: 'X-Broxi-',
};

export function sampleConfig(changes: object = {}): Webhook['config'] {
  const given = { url: SAMPLE_URL, events: ['workflow.*'], headers: { 'X-Token': 'header-value' }, ...changes };
  return parseWebhookConfig(given, rules).config;
}

export function sampleChange(lane: Lane, changes: Partial<SampleChange> = {}): WebhookChange {
  const { expectedVersion = null, audit, readToken, ...webhook } = changes;
  return {
    webhook: {
      workspaceId: lane.workspaceId,
      id: lane.webhookId,
      config: sampleConfig(),
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      updatedAt: SAMPLE_AT,
      deletedAt: null,
      ...webhook,
    },
    expectedVersion,
    ...(readToken && { readToken }),
    audit: audit ?? sampleAudit(lane.workspaceId),
  };
}

type SampleChange = WebhookChange['webhook'] & Pick<WebhookChange, 'expectedVersion' | 'readToken' | 'audit'>;

export function sampleAudit(workspaceId: string, id: string = newId('aud')): AuditEntry {
  const action = 'webhook.changed';
  return { workspaceId, id, at: SAMPLE_AT, actor: 'key_1', action, subject: 'wh_1', detail: '{"version":2}' };
}

export function sampleEvent(workspaceId: string, changes: Partial<RecordedEvent> = {}): RecordedEvent {
  return {
    workspaceId,
    id: newId('evt'),
    type: 'workflow.completed',
    occurredAt: SAMPLE_AT - 5_000,
    acceptedAt: SAMPLE_AT,
    runId: 'run_1',
    revision: 1,
    dataText: '{"workflow_id":"wf_1","run_id":"run_1","output":{"text":"Grüße, 世界 \\u0000 🚀"}}',
    ...changes,
  };
}

/** An event that is owed to these lanes, which are of one workspace. */
export function plannedEvent(
  lanes: readonly [Lane, ...Lane[]],
  { idempotency = null, ids = [], ...event }: Partial<RecordedEvent & PlannedEvent & { ids: readonly string[] }> = {},
): PlannedEvent {
  return {
    event: sampleEvent(lanes[0].workspaceId, event),
    deliveries: lanes.map(({ webhookId }, i) => ({ id: ids[i] ?? newId('del'), webhookId })),
    idempotency,
  };
}

export function submission(
  events: readonly [PlannedEvent, ...PlannedEvent[]],
  { idempotency = null, note = null }: Partial<Submission> = {},
): Submission {
  return { workspaceId: events[0].event.workspaceId, events, idempotency, note };
}

export function answered(status: number, body = `said ${status}`): ExchangeResult {
  return { kind: 'answered', status, headers: ['Server', 'test', 'X-Ünïcode', '✓'], body, truncated: false };
}

export const REFUSED: ExchangeResult = { kind: 'failed', failure: 'connection_refused', message: 'nobody listens' };

const SAMPLE_TIMING: ExchangeTiming = { dnsMs: null, connectMs: 12, tlsMs: 30, firstByteMs: 0 };

export function sampleAttempt(number: number, result: ExchangeResult): AttemptRecord {
  const succeeded = result.kind === 'answered' && result.status < 300;
  return {
    id: newId('att'),
    number,
    startedAt: SAMPLE_AT + number,
    durationMs: 120,
    url: SAMPLE_URL,
    route: null,
    webhookVersion: 1,
    outcome: succeeded ? 'delivered' : 'retryable',
    reason: succeeded ? null : `attempt ${number} failed`,
    exchanges: [
      // As it was recorded before there was a timing.
      { scheme: 'timestamped', secret: 0, sentAt: SAMPLE_AT, durationMs: 40, result: answered(401) },
      { scheme: 'body', secret: 0, sentAt: SAMPLE_AT + 40, durationMs: 80, timing: SAMPLE_TIMING, result },
    ],
  };
}

export function nextAttempt(delivery: Pick<QueuedDelivery, 'attempts'>, result: ExchangeResult): AttemptRecord {
  return sampleAttempt(delivery.attempts + 1, result);
}

export function sampleTest(lane: Lane, changes: Partial<TestRecord> = {}): TestRecord {
  return {
    event: sampleEvent(lane.workspaceId, { type: 'webhook.test', runId: null }),
    lane,
    deliveryId: newId('del'),
    payload: 'full',
    state: 'delivered',
    reason: null,
    attempt: sampleAttempt(1, answered(204)),
    destination: null,
    ...changes,
  };
}

export const NOTHING_TO_DO: JobEstimate = { count: 0, isMinimum: false, oldestAt: null, newestAt: null };

/** A retry of everything that failed, but for what the filter says. */
export function sampleJob(
  workspaceId: string,
  { filter = {}, ...changes }: Partial<NewJob> & { filter?: Partial<RetryFilter> } = {},
): NewJob {
  const task = { kind: 'retry', filter: { ...ALL_FAILED, ...filter } } as const;
  return { workspaceId, id: newId('job'), task, estimate: NOTHING_TO_DO, ...changes };
}
