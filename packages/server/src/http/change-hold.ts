import type { HoldChange } from '../domain/hold.ts';
import type { Caller } from './auth.ts';
import { auditEntry, findWebhook } from './change-webhook.ts';
import type { AppDeps } from './ports.ts';

const ACTIONS = {
  pause: 'webhook.paused',
  resume: 'webhook.resumed',
  enable: 'webhook.enabled',
} as const satisfies Record<HoldChange, string>;

/**
 * Stops the line of a webhook, or lets it go on. What is in force already is left alone, and out of the audit log.
 * @throws NotFoundError also for a deleted webhook, and for what is no id
 */
export async function changeHold(
  deps: Pick<AppDeps, 'store' | 'workspaces' | 'clock'>,
  { caller, webhookId, change }: { caller: Caller; webhookId: string; change: HoldChange },
): Promise<void> {
  const { workspaceId, id } = await findWebhook(deps, caller, webhookId);
  const entry = { caller, at: deps.clock.now(), action: ACTIONS[change], subject: id, detail: null };
  await deps.store.changeHold({ lane: { workspaceId, webhookId: id }, change, audit: auditEntry(entry) });
}
