import { lostToOutage } from '../../domain/retry-filter.ts';
import type { KnownChange, Lane } from '../../domain/webhook.ts';
import type { WebhookConfig } from '../../domain/webhook-config.ts';
import { newId } from '../../ids.ts';
import { JobRows } from './job-rows.ts';
import type { Transaction } from './transaction.ts';
import { latestVersion } from './webhook-rows.ts';

/** Nobody counts inside the transaction of an outcome how much there is. */
const UNCOUNTED = { count: 0, isMinimum: true, oldestAt: null, newestAt: null };

/**
 * Makes the job that puts back what a webhook with `recovery: auto` lost to an outage of a destination, inside the transaction that ends the
 * outage: exactly one for each. It is made however many jobs there are, for nobody would ask for it again.
 */
export async function recoverOutage(
  tx: Transaction,
  lane: Lane,
  learned: KnownChange | null,
  now: number,
): Promise<void> {
  const { workspaceId, webhookId } = lane;
  const filter = learned && lostToOutage(webhookId, learned);
  if (filter === null) return;
  const webhook = await latestVersion(tx.query, lane);
  if (webhook === null || webhook.deleted_at !== null) return;
  const { recovery } = JSON.parse(webhook.config) as WebhookConfig;
  if (recovery !== 'auto') return;
  const jobs = new JobRows(tx.query, { now: () => now });
  const key = { workspaceId, id: newId('job') };
  await jobs.addLanes(key, { state: filter.state, webhookId, start: '' });
  if ((await jobs.nextLane(key, 0)) === null) return;
  await jobs.insert({ ...key, task: { kind: 'retry', filter }, estimate: UNCOUNTED });
}
