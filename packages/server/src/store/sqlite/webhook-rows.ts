import type { DatabaseSync } from 'node:sqlite';
import type { Lane, Webhook } from '../../domain/webhook.ts';
import { isReceiverSince, type WebhookRow, webhookFromRow } from '../rows/webhook-row.ts';
import type { Vault } from '../vault.ts';
import { allRows, oneRow } from './database.ts';

/** The present version of a webhook, also of a deleted one; null: there never was one. */
export function latestWebhook(database: DatabaseSync, vault: Vault, lane: Lane): Webhook | null {
  const latest = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? ORDER BY version DESC LIMIT 1',
  );
  const row = oneRow<WebhookRow>(latest, lane.workspaceId, lane.webhookId);
  return row && webhookFromRow(row, vault);
}

/** Whether a webhook has led to a URL, with the same secret, ever since a version of it. */
export type ReceiverSince = (lane: Lane, url: string, version: number) => boolean;

export function receiverSince(database: DatabaseSync, vault: Vault): ReceiverSince {
  const since = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? AND version >= ? ORDER BY version',
  );
  return (lane, url, version) =>
    isReceiverSince(allRows<WebhookRow>(since, lane.workspaceId, lane.webhookId, version), url, vault);
}
