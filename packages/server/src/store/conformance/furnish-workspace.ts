import assert from 'node:assert/strict';
import { UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import type { IdempotencyKey, Store } from '../store.ts';
import {
  answered,
  plannedEvent,
  SAMPLE_AT,
  SAMPLE_URL,
  sampleAttempt,
  sampleAudit,
  sampleChange,
  sampleConfig,
  sampleEvent,
  sampleJob,
  sampleTest,
  submission,
} from './samples.ts';
import type { Names } from './view-workspace.ts';

/** The names of everything that {@link furnishWorkspace} makes: the same in every workspace. */
export const NAMES = {
  webhookId: 'wh_same',
  eventId: 'evt_same',
  runId: 'run_same',
  deliveryIds: ['del_first', 'del_retry', 'del_delivered', 'del_failed', 'del_cancelled', 'del_recovered', 'del_test'],
  auditId: 'aud_same',
  jobId: 'job_same',
  eventType: 'order.paid',
} as const satisfies Names & Record<string, unknown>;

export const SAME_KEY: IdempotencyKey = { scope: 'POST /v1/events', key: 'same', bodyHash: 'same hash' };

/** When the webhook of a workspace was paused: tells whose a hold is. */
export function pausedAtIn(workspaceId: string): number {
  return SAMPLE_AT + Number.parseInt(workspaceId.slice(-6), 16);
}

/** Puts something of every kind into a workspace. What is told apart by its contents has the workspace's id in it. */
export async function furnishWorkspace(store: Store, workspaceId: string): Promise<void> {
  const lane = { workspaceId, webhookId: NAMES.webhookId };
  const { eventId, runId, deliveryIds, eventType: name } = NAMES;
  const key = { id: 'key_same', name: 'same', hash: `hash ${workspaceId}`, createdAt: SAMPLE_AT };
  await store.putApiKey({ workspaceId, ...key });
  const type = { description: workspaceId, schemaText: '{}', sampleText: null, updatedAt: SAMPLE_AT };
  await store.putEventType({ workspaceId, name, ...type });
  const config = sampleConfig({ description: workspaceId });
  await store.putWebhook(sampleChange(lane, { config, audit: sampleAudit(workspaceId, NAMES.auditId) }));
  const secret = `the secret of ${workspaceId}`;
  const readToken = { token: `token of ${workspaceId}`, hash: `token hash ${workspaceId}` };
  await store.putWebhook(sampleChange(lane, { config, secret, readToken, expectedVersion: 1 }));
  const audit = { ...sampleAudit(workspaceId), at: pausedAtIn(workspaceId) };
  await store.changeHold({ lane, change: 'pause', audit });
  const ids = deliveryIds.filter((id) => id !== 'del_test');
  const dataText = JSON.stringify({ workspaceId });
  const planned = plannedEvent([lane, ...ids.slice(1).map(() => lane)], { id: eventId, runId, dataText, ids });
  await store.record(submission([planned], { idempotency: SAME_KEY, note: workspaceId }));
  const due = await store.readDue({ lane, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 99 });
  const settle = async (id: string, next: Parameters<Store['settle']>[0]['next'], status: number) => {
    const delivery = due.find((each) => each.id === id);
    assert.ok(delivery, id);
    const attempt = sampleAttempt(1, answered(status, workspaceId));
    assert.ok(await store.settle({ delivery, attempt, next, destination: null }));
  };
  await settle('del_retry', { state: 'pending', dueAt: SAMPLE_AT + 9_000_000 }, 500);
  await settle('del_delivered', { state: 'delivered' }, 200);
  await settle('del_failed', { state: 'failed', reason: workspaceId }, 404);
  await settle('del_recovered', { state: 'failed', reason: workspaceId }, 500);
  await store.requeue(lane, 'del_recovered');
  await store.cancel({ lane, deliveryId: 'del_cancelled', limit: 1, reason: workspaceId });
  const value = { ...UNKNOWN_DESTINATION, scheme: 'body', schemeLearnedAt: SAMPLE_AT, notBefore: 0 } as const;
  await store.createJob(sampleJob(workspaceId, { id: NAMES.jobId, filter: { state: 'cancelled' } }));
  const event = sampleEvent(workspaceId, { id: 'evt_test', type: 'webhook.test', runId: null, dataText });
  const url = `https://receiver.example/${workspaceId}`;
  for (const destination of [
    { url: SAMPLE_URL, value },
    { url, value },
  ]) {
    const id = destination.url === url ? 'evt_test_elsewhere' : event.id;
    const deliveryId = destination.url === url ? 'del_test_elsewhere' : 'del_test';
    const attempt = { ...sampleAttempt(1, answered(204)), webhookVersion: 2 };
    await store.recordTest(sampleTest(lane, { event: { ...event, id }, deliveryId, destination, attempt }));
  }
}
