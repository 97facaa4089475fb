import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import {
  answered,
  nextAttempt,
  plannedEvent,
  SAMPLE_AT,
  SAMPLE_URL,
  sampleChange,
  submission,
} from '../conformance/samples.ts';
import { createVault } from '../vault.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

test('that an outcome disabled the webhook is in the audit log, once', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'broxi-queue-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'b.db');
  const store = openSqliteStore({ path, vault: createVault(Buffer.alloc(32, 3)), clock: systemClock });
  const { id: workspaceId } = await store.ensureWorkspace({ id: 'ws_1', name: 'test' });
  const lane = { workspaceId, webhookId: 'wh_1' };
  await store.putWebhook(sampleChange(lane));
  await store.record(submission([plannedEvent([lane]), plannedEvent([lane])]));
  const due = await store.readDue({ lane, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 9 });
  for (const delivery of due) {
    const next = { state: 'pending', dueAt: delivery.dueAt + 1, uncharged: true } as const;
    const disable = { reason: 'gone', at: SAMPLE_AT } as const;
    await store.settle({ delivery, attempt: nextAttempt(delivery, answered(410)), next, destination: null, disable });
  }
  await store.close();
  const database = new DatabaseSync(path);
  const entries = database.prepare("SELECT * FROM audit_log WHERE actor = 'system'").all();
  database.close();
  assert.equal(entries.length, 1);
  assert.partialDeepStrictEqual(entries[0], {
    workspace_id: workspaceId,
    at: SAMPLE_AT,
    action: 'webhook.disabled',
    subject: 'wh_1',
    detail: `gone at ${SAMPLE_URL}`,
  });
});
