import type { DatabaseSync } from 'node:sqlite';
import { lostToOutage } from '../../domain/retry-filter.ts';
import type { KnownChange, Lane } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import { oneRow } from './database.ts';
import type { JobRows } from './job-rows.ts';

/** Nobody counts inside the transaction of an outcome how much there is. */
const UNCOUNTED = { count: 0, isMinimum: true, oldestAt: null, newestAt: null };

/**
 * Makes the job that puts back what a webhook with `recovery: auto` lost to an outage of a destination, inside the transaction that ends the
 * outage: exactly one for each. It is made however many jobs there are, for nobody would ask for it again.
 */
export type RecoverOutage = (lane: Lane, learned: KnownChange | null) => void;

export function createOutageRecovery({ database, jobs }: { database: DatabaseSync; jobs: JobRows }): RecoverOutage {
  const latest = database.prepare(`
    SELECT deleted_at, json_extract(config, '$.recovery') AS recovery FROM webhook_versions
    WHERE workspace_id = ? AND webhook_id = ? ORDER BY version DESC LIMIT 1`);
  return ({ workspaceId, webhookId }, learned) => {
    const filter = learned && lostToOutage(webhookId, learned);
    if (filter === null) return;
    const webhook = oneRow<{ deleted_at: number | null; recovery: string }>(latest, workspaceId, webhookId);
    if (webhook?.recovery !== 'auto' || webhook.deleted_at !== null) return;
    const key = { workspaceId, id: newId('job') };
    jobs.addLanes(key, filter.state, webhookId, '');
    if (jobs.nextLane(key, 0) !== null) jobs.insert({ ...key, task: { kind: 'retry', filter }, estimate: UNCOUNTED });
  };
}
