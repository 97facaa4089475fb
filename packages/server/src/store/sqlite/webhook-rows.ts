import type { DatabaseSync } from 'node:sqlite';
import { destinationUrls } from '../../domain/target.ts';
import type { Lane, Webhook } from '../../domain/webhook.ts';
import type { WebhookConfig } from '../../domain/webhook-config.ts';
import type { Vault } from '../vault.ts';
import { allRows, oneRow } from './database.ts';

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

/** What the sealed part holds. */
interface Sealed {
  secret: string;
  headers: WebhookConfig['headers'];
  /** One for each route. */
  routeHeaders?: WebhookConfig['headers'][];
}

/** Header values, those of routes too, and the secret go into the sealed part; the rest stays readable. */
export function sealWebhook(
  { config, secret }: Pick<Webhook, 'config' | 'secret'>,
  vault: Vault,
): { config: string; sealed: string } {
  const routes = config.routes?.map((route) => ({ ...route, headers: {} })) ?? null;
  const sealed: Sealed = { secret, headers: config.headers };
  if (config.routes !== null) sealed.routeHeaders = config.routes.map(({ headers }) => headers);
  return { config: JSON.stringify({ ...config, headers: {}, routes }), sealed: vault.seal(JSON.stringify(sealed)) };
}

export function webhookFromRow(row: WebhookRow, vault: Vault): Webhook {
  const { secret, headers, routeHeaders = [] } = JSON.parse(vault.open(row.sealed)) as Sealed;
  const readable = JSON.parse(row.config) as WebhookConfig;
  const routes = readable.routes?.map((route, i) => ({ ...route, headers: routeHeaders[i] ?? {} })) ?? null;
  const config = { ...readable, headers, routes };
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

/** Whether a webhook has led to a URL, with the same secret, ever since a version of it. */
export type ReceiverSince = (lane: Lane, url: string, version: number) => boolean;

export function receiverSince(database: DatabaseSync, vault: Vault): ReceiverSince {
  const since = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? AND version >= ? ORDER BY version',
  );
  return (lane, url, version) => {
    const [first, ...later] = allRows<WebhookRow>(since, lane.workspaceId, lane.webhookId, version);
    // As a rule there is no later one, and nothing to decrypt.
    if (first === undefined || later.length === 0) return true;
    const { secret } = webhookFromRow(first, vault);
    return later
      .map((row) => webhookFromRow(row, vault))
      .every((webhook) => webhook.secret === secret && destinationUrls(webhook.config).includes(url));
  };
}
