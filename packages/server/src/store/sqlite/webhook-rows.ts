import type { DatabaseSync } from 'node:sqlite';
import type { Lane, Webhook } from '../../domain/webhook.ts';
import type { WebhookConfig } from '../../domain/webhook-config.ts';
import type { Vault } from '../vault.ts';
import { oneRow } from './database.ts';

/** A row of `webhook_versions`. */
export interface WebhookRow {
  workspace_id: string;
  webhook_id: string;
  version: number;
  revision: number;
  config: string;
  sealed: string;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

/** Header values and the secret go into the sealed part; the rest stays readable. */
export function sealWebhook(
  { config, secret }: Pick<Webhook, 'config' | 'secret'>,
  vault: Vault,
): { config: string; sealed: string } {
  return {
    config: JSON.stringify({ ...config, headers: {} }),
    sealed: vault.seal(JSON.stringify({ secret, headers: config.headers })),
  };
}

export function webhookFromRow(row: WebhookRow, vault: Vault): Webhook {
  const { secret, headers } = JSON.parse(vault.open(row.sealed)) as { secret: string; headers: Record<string, string> };
  const config = { ...(JSON.parse(row.config) as WebhookConfig), headers };
  return {
    workspaceId: row.workspace_id,
    id: row.webhook_id,
    version: row.version,
    revision: row.revision,
    config,
    secret,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
  };
}

/** The present version of a webhook, also of a deleted one; null: there never was one. */
export function latestWebhook(database: DatabaseSync, vault: Vault, lane: Lane): Webhook | null {
  const latest = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? ORDER BY version DESC LIMIT 1',
  );
  const row = oneRow<WebhookRow>(latest, lane.workspaceId, lane.webhookId);
  return row && webhookFromRow(row, vault);
}
