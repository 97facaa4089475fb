import type { Lane, Webhook } from '../../domain/webhook.ts';
import { isReceiverSince, type WebhookRow, webhookFromRow } from '../rows/webhook-row.ts';
import type { Vault } from '../vault.ts';
import { firstOf, type Query } from './database.ts';

const LATEST = `
  SELECT * FROM broxi.webhook_versions WHERE workspace_id = $1 AND webhook_id = $2 ORDER BY version DESC LIMIT 1`;

/** The row of the present version, also of a deleted webhook; null: there never was one. */
export async function latestVersion(query: Query, { workspaceId, webhookId }: Lane): Promise<WebhookRow | null> {
  return firstOf(await query<WebhookRow>(LATEST, [workspaceId, webhookId]));
}

/** {@link latestVersion}; nobody else changes the webhook, or what stops it, before this transaction ends. */
export async function lockLatestVersion(query: Query, { workspaceId, webhookId }: Lane): Promise<WebhookRow | null> {
  return firstOf(await query<WebhookRow>(`${LATEST} FOR NO KEY UPDATE`, [workspaceId, webhookId]));
}

export async function latestWebhook(query: Query, vault: Vault, lane: Lane): Promise<Webhook | null> {
  const row = await latestVersion(query, lane);
  return row && webhookFromRow(row, vault);
}

/** Whether a webhook has led to a URL, with the same secret, ever since a version of it. */
export async function ledThereSince(
  query: Query,
  given: { lane: Lane; url: string; version: number; vault: Vault },
): Promise<boolean> {
  const { lane, url, version, vault } = given;
  const since = await query<WebhookRow>(
    'SELECT * FROM broxi.webhook_versions WHERE workspace_id = $1 AND webhook_id = $2 AND version >= $3 ORDER BY version',
    [lane.workspaceId, lane.webhookId, version],
  );
  return isReceiverSince(since, url, vault);
}
