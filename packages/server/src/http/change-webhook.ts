import type { Webhook } from '../domain/webhook.ts';
import { AppError, NotFoundError } from '../errors.ts';
import { isId, newId } from '../ids.ts';
import type { AuditEntry, ReadToken } from '../store/store.ts';
import type { Caller } from './auth.ts';
import { assertVersion } from './if-match.ts';
import type { AppDeps } from './ports.ts';

/** How often a change without `If-Match` is made again on top of another one that came first. */
const MAX_TRIES = 5;

export interface WebhookEdit {
  config: Webhook['config'];
  secret: string;
  deletedAt: number | null;
  /** In place of the one that it has. */
  readToken?: ReadToken;
}

export interface ChangeRequest {
  caller: Caller;
  webhookId: string;
  /** Which versions may be changed; null: any. */
  ifMatch: ((version: number) => boolean) | null;
  action: 'webhook.updated' | 'webhook.deleted' | 'webhook.read_token_rotated';
  /** What the webhook becomes. May be asked again, with a newer version. */
  edit(current: Webhook): Promise<WebhookEdit> | WebhookEdit;
}

/** @throws NotFoundError also for a deleted webhook, and for what is no id */
export async function findWebhook(
  deps: Pick<AppDeps, 'workspaces'>,
  caller: Caller,
  webhookId: string,
): Promise<Webhook> {
  const view = await deps.workspaces.get(caller.workspaceId);
  const webhook = view.webhooks.get(webhookId);
  if (webhook === undefined) throw new NotFoundError(`webhook ${shown(webhookId)}`);
  return webhook;
}

/**
 * Saves a new version of a webhook. Two changes at a time without `If-Match` are both made, one on top of the other.
 * @throws NotFoundError, ConflictError('version_mismatch'), and what `edit` throws
 */
export async function changeWebhook(deps: AppDeps, request: ChangeRequest): Promise<Webhook> {
  const { caller, webhookId, ifMatch, action, edit } = request;
  let current = await findWebhook(deps, caller, webhookId);
  for (let tries = 1; ; tries++) {
    assertVersion(current, ifMatch);
    const { readToken, ...edited } = await edit(current);
    const { workspaceId, id } = current;
    const now = deps.clock.now();
    try {
      return await deps.workspaces.putWebhook({
        webhook: { workspaceId, id, updatedAt: now, ...edited },
        expectedVersion: current.version,
        ...(readToken && { readToken }),
        audit: auditEntry({ caller, at: now, action, subject: id, detail: describeChange(current, edited) }),
      });
    } catch (error) {
      if (!isOvertaken(error) || ifMatch !== null || tries === MAX_TRIES) throw error;
    }
    const [latest] = await deps.store.listWebhookVersions({ workspaceId, webhookId });
    if (latest === undefined || latest.deletedAt !== null) throw new NotFoundError(`webhook ${shown(webhookId)}`);
    current = latest;
  }
}

/** Errors of another thread keep their code, not their class. */
function isOvertaken(error: unknown): boolean {
  return error instanceof AppError && error.code === 'version_mismatch';
}

export function auditEntry(entry: {
  caller: Caller;
  at: number;
  action: string;
  subject: string;
  detail: string | null;
}): AuditEntry {
  const { caller, at, action, subject, detail } = entry;
  return { workspaceId: caller.workspaceId, id: newId('aud'), at, actor: caller.keyId, action, subject, detail };
}

/** Names the fields that differ, without their values: header values and secrets have no place in an audit log. */
function describeChange(before: Webhook, after: Pick<WebhookEdit, 'config' | 'secret'>): string | null {
  const previous = new Map<string, unknown>(Object.entries(before.config));
  const changed = Object.entries(after.config)
    .filter(([name, value]) => JSON.stringify(previous.get(name)) !== JSON.stringify(value))
    .map(([name]) => name);
  if (before.secret !== after.secret) changed.push('secret');
  return changed.length > 0 ? `changed: ${changed.join(', ')}` : null;
}

/** What was asked for, where it can have been an id; other text of a caller is not repeated. */
export function shown(id: string): string {
  return isId('wh', id) || isId('del', id) || isId('evt', id) ? id : 'of this id';
}
