import { destinationUrls } from '../../domain/target.ts';
import type { Webhook } from '../../domain/webhook.ts';
import type { WebhookConfig } from '../../domain/webhook-config.ts';
import { ConflictError, NotFoundError } from '../../errors.ts';
import type { Vault } from '../vault.ts';

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

/**
 * Whether a webhook has led to a URL, with the same secret, ever since a version of it.
 * @param since that version and all later ones, oldest first
 */
export function isReceiverSince(since: readonly WebhookRow[], url: string, vault: Vault): boolean {
  const [first, ...later] = since;
  // As a rule there is no later one, and nothing to decrypt.
  if (first === undefined || later.length === 0) return true;
  const { secret } = webhookFromRow(first, vault);
  return later
    .map((row) => webhookFromRow(row, vault))
    .every((webhook) => webhook.secret === secret && destinationUrls(webhook.config).includes(url));
}

/** Whether a change may follow that version. @throws NotFoundError, ConflictError as `Directory.putWebhook` says */
export function assertVersion(before: Webhook | null, expectedVersion: number | null, webhookId: string): void {
  if (before === null) {
    if (expectedVersion !== null) throw new NotFoundError(`webhook ${webhookId}`);
    return;
  }
  if (before.deletedAt !== null) throw new NotFoundError(`webhook ${webhookId}`);
  if (before.version !== expectedVersion) {
    throw new ConflictError(
      'version_mismatch',
      `Webhook ${webhookId} is at version ${before.version} by now; read it again.`,
    );
  }
}
