import type { Clock } from '../../clock.ts';
import { newsOf, type OperationalNews, type Written } from '../../domain/operational-news.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { WebhookConfig } from '../../domain/webhook-config.ts';
import { newId } from '../../ids.ts';
import type { PlannedEvent } from '../store.ts';
import { oweEvents } from './event-rows.ts';
import type { Transaction } from './transaction.ts';
import { revisionOf } from './workspace-revision.ts';

/** Steps from webhook to webhook, and takes the present version of each. */
const PRESENT_CONFIGS = `
  SELECT v.webhook_id, v.config
  FROM (SELECT webhook_id, max(version) AS version FROM broxi.webhook_versions WHERE workspace_id = $1 GROUP BY webhook_id) p
  JOIN broxi.webhook_versions v ON v.workspace_id = $1 AND v.webhook_id = p.webhook_id AND v.version = p.version
  WHERE v.deleted_at IS NULL ORDER BY v.webhook_id`;

/**
 * Tells of outcomes the webhooks of their workspace that name the type. Runs inside the transaction that writes the outcome.
 * News that nobody asked for is not recorded: the audit log and the deliveries themselves say it.
 */
export class News {
  readonly #clock: Clock;
  readonly #dueNow: () => number;
  /** Who asked for what at a revision of a workspace: a receiver that fails everything costs no search for each failure. */
  readonly #known = new Map<string, { revision: number; webhooks: readonly Subscriber[] }>();

  constructor({ clock, dueNow }: { clock: Clock; dueNow: () => number }) {
    this.#clock = clock;
    this.#dueNow = dueNow;
  }

  async tell(tx: Transaction, { workspaceId, webhookId }: Lane, written: Omit<Written, 'webhookId'>): Promise<void> {
    for (const news of newsOf({ webhookId, ...written })) await this.#record(tx, workspaceId, news);
  }

  async #record(tx: Transaction, workspaceId: string, { type, data }: OperationalNews): Promise<void> {
    const revision = await revisionOf(tx, workspaceId);
    const webhooks = await this.#webhooksAt(tx, { workspaceId, revision });
    // Only those that name the type: families and `*` never include it.
    const naming = webhooks.filter(({ events }) => events.includes(type));
    if (naming.length === 0) return;
    const now = this.#clock.now();
    const id = newId('evt');
    const event = { workspaceId, id, type, occurredAt: now, acceptedAt: now, runId: null, revision };
    const deliveries = naming.map(({ webhookId, payload }) => ({ id: newId('del'), webhookId, payload }));
    const planned: Pick<PlannedEvent, 'event' | 'deliveries'> = {
      event: { ...event, dataText: JSON.stringify(data) },
      deliveries,
    };
    await oweEvents(tx, [planned], this.#dueNow());
  }

  async #webhooksAt(
    tx: Transaction,
    { workspaceId, revision }: { workspaceId: string; revision: number },
  ): Promise<readonly Subscriber[]> {
    const known = this.#known.get(workspaceId);
    if (known?.revision === revision) return known.webhooks;
    const rows = await tx.query<{ webhook_id: string; config: string }>(PRESENT_CONFIGS, [workspaceId]);
    const webhooks = rows.flatMap(({ webhook_id: webhookId, config }) => {
      const { active, events, payload } = JSON.parse(config) as WebhookConfig;
      return active ? [{ webhookId, events, payload }] : [];
    });
    this.#known.set(workspaceId, { revision, webhooks });
    return webhooks;
  }
}

type Subscriber = Pick<WebhookConfig, 'events' | 'payload'> & { webhookId: string };
