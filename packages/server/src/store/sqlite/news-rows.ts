import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { PayloadKind } from '../../domain/delivery.ts';
import { newsOf, type OperationalNews, type Written } from '../../domain/operational-news.ts';
import type { Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { PlannedDelivery } from '../store.ts';
import { allRows, oneRow } from './database.ts';
import type { EventRows } from './event-rows.ts';

/**
 * Tells of outcomes the webhooks of their workspace that name the type. Runs inside the transaction that writes the outcome.
 * News that nobody asked for is not recorded: the audit log and the deliveries themselves say it.
 */
export class NewsRows {
  readonly #clock: Clock;
  readonly #events: EventRows;
  readonly #findRevision;
  readonly #subscribers;
  /** Who asked for what at a revision of a workspace, by type: a receiver that fails everything costs no search for each failure. */
  readonly #known = new Map<string, { revision: number; byType: Map<string, readonly Subscriber[]> }>();

  constructor(database: DatabaseSync, { clock, events }: { clock: Clock; events: EventRows }) {
    this.#clock = clock;
    this.#events = events;
    this.#findRevision = database.prepare('SELECT revision FROM workspaces WHERE id = ?');
    // Only those that name the type: families and `*` never include it.
    this.#subscribers = database.prepare(`
      SELECT webhook_id, json_extract(config, '$.payload') AS payload FROM webhook_versions v
      WHERE workspace_id = ? AND deleted_at IS NULL AND json_extract(config, '$.active')
        AND version = (
          SELECT max(version) FROM webhook_versions WHERE workspace_id = v.workspace_id AND webhook_id = v.webhook_id)
        AND EXISTS (SELECT 1 FROM json_each(config, '$.events') WHERE value = ?)
      ORDER BY webhook_id`);
  }

  tell({ workspaceId, webhookId }: Lane, written: Omit<Written, 'webhookId'>): void {
    for (const news of newsOf({ ...written, webhookId })) this.#record(workspaceId, news);
  }

  /** A transaction was undone, and with it revisions. */
  forget(): void {
    this.#known.clear();
  }

  #record(workspaceId: string, { type, data }: OperationalNews): void {
    const revision = oneRow<{ revision: number }>(this.#findRevision, workspaceId)?.revision ?? 0;
    const subscribers = this.#webhooksNaming(type, { workspaceId, revision });
    if (subscribers.length === 0) return;
    const now = this.#clock.now();
    const id = newId('evt');
    const event = { workspaceId, id, type, occurredAt: now, acceptedAt: now, runId: null, revision };
    const deliveries = subscribers.map((subscriber) => ({ id: newId('del'), ...subscriber }));
    this.#events.owe({ ...event, dataText: JSON.stringify(data) }, deliveries);
  }

  #webhooksNaming(type: string, at: { workspaceId: string; revision: number }): readonly Subscriber[] {
    let known = this.#known.get(at.workspaceId);
    if (known?.revision !== at.revision) {
      known = { revision: at.revision, byType: new Map() };
      this.#known.set(at.workspaceId, known);
    }
    let subscribers = known.byType.get(type);
    if (subscribers === undefined) {
      const rows = allRows<SubscriberRow>(this.#subscribers, at.workspaceId, type);
      subscribers = rows.map(({ webhook_id: webhookId, payload }) => ({ webhookId, payload }));
      known.byType.set(type, subscribers);
    }
    return subscribers;
  }
}

type Subscriber = Required<Pick<PlannedDelivery, 'webhookId' | 'payload'>>;

interface SubscriberRow {
  webhook_id: string;
  payload: PayloadKind;
}
