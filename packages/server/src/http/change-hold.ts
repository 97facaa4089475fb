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

/**
 * A person says that a webhook is active: takes back that the system disabled it, and lets what was counted against its
 * receiver while it was inactive be. A webhook that was active all along is left alone.
 * @returns whether the system had disabled it
 */
export async function enableWebhook(
  deps: Pick<AppDeps, 'store' | 'workspaces' | 'clock'>,
  { caller, webhookId, wasInactive }: { caller: Caller; webhookId: string; wasInactive: boolean },
): Promise<boolean> {
  const [hold] = await deps.store.listHolds(caller.workspaceId, webhookId);
  const wasDisabled = hold !== undefined && hold.disabledAt !== null;
  if (wasDisabled || wasInactive) await changeHold(deps, { caller, webhookId, change: 'enable' });
  return wasDisabled;
}
