import { changeHold, type Hold } from '../../domain/hold.ts';
import { destinationUrls } from '../../domain/target.ts';
import type { Lane, Webhook } from '../../domain/webhook.ts';
import { NotFoundError } from '../../errors.ts';
import { type DestinationRow, destinationFromRow } from '../rows/destination-row.ts';
import { type ApiKeyRow, apiKeyFromRow, type EventTypeRow, eventTypeFromRow } from '../rows/directory-rows.ts';
import { type HoldRow, holdFromRow } from '../rows/hold-row.ts';
import { assertVersion, sealWebhook, type WebhookRow, webhookFromRow } from '../rows/webhook-row.ts';
import type { Directory, HoldRequest, WebhookChange, Workspace } from '../store.ts';
import type { Vault } from '../vault.ts';
import { textArray } from './array-parameter.ts';
import { addAudit } from './audit-rows.ts';
import type { CommitGroup } from './commit-group.ts';
import { firstOf, type Reads } from './database.ts';
import { findHold, putHold } from './hold-rows.ts';
import { withoutNul } from './nul-free-text.ts';
import { putReadToken, type ReadTokenReads, readTokenReads, removeReadToken } from './read-token-rows.ts';
import type { Transaction } from './transaction.ts';
import { latestVersion, lockLatestVersion } from './webhook-rows.ts';

export type DirectoryReads = Pick<
  Directory,
  'findApiKey' | 'loadWorkspace' | 'listWebhookVersions' | 'listDestinations' | 'listHolds' | keyof ReadTokenReads
>;
export type DirectoryWrites = Omit<Directory, keyof DirectoryReads>;

const PRESENT_WEBHOOKS = `
  SELECT v.* FROM (
    SELECT webhook_id, max(version) AS version FROM broxi.webhook_versions WHERE workspace_id = $1 GROUP BY webhook_id
  ) p JOIN broxi.webhook_versions v ON v.workspace_id = $1 AND v.webhook_id = p.webhook_id AND v.version = p.version
  WHERE v.deleted_at IS NULL ORDER BY v.webhook_id`;

export function directoryReads(reads: Reads, vault: Vault): DirectoryReads {
  return {
    ...readTokenReads(reads, vault),
    async findApiKey(hash) {
      const row = firstOf(await reads.query<ApiKeyRow>('SELECT * FROM broxi.api_keys WHERE hash = $1', [hash]));
      return row && apiKeyFromRow(row);
    },
    async loadWorkspace(workspaceId) {
      return await reads.snapshot(async (query) => {
        const [workspaces, webhooks, eventTypes] = await Promise.all([
          query<{ revision: number }>('SELECT revision FROM broxi.workspaces WHERE id = $1', [workspaceId]),
          query<WebhookRow>(PRESENT_WEBHOOKS, [workspaceId]),
          query<EventTypeRow>('SELECT * FROM broxi.event_types WHERE workspace_id = $1 ORDER BY name', [workspaceId]),
        ]);
        return {
          revision: firstOf(workspaces)?.revision ?? 0,
          webhooks: webhooks.map((row) => webhookFromRow(row, vault)),
          eventTypes: eventTypes.map(eventTypeFromRow),
        };
      });
    },
    async listDestinations(workspaceId, webhookId) {
      const rows = await reads.query<DestinationRow>(
        `SELECT * FROM broxi.destinations WHERE workspace_id = $1 AND ($2::text IS NULL OR webhook_id = $2)
          ORDER BY webhook_id, url`,
        [workspaceId, webhookId ?? null],
      );
      return rows.map((row) => ({ webhookId: row.webhook_id, url: row.url, ...destinationFromRow(row) }));
    },
    async listHolds(workspaceId, webhookId) {
      const rows = await reads.query<HoldRow>(
        `SELECT * FROM broxi.webhook_holds WHERE workspace_id = $1 AND ($2::text IS NULL OR webhook_id = $2)
          ORDER BY webhook_id`,
        [workspaceId, webhookId ?? null],
      );
      return rows.map((row) => ({ webhookId: row.webhook_id, ...holdFromRow(row) }));
    },
    async listWebhookVersions({ workspaceId, webhookId }) {
      const rows = await reads.query<WebhookRow>(
        'SELECT * FROM broxi.webhook_versions WHERE workspace_id = $1 AND webhook_id = $2 ORDER BY version DESC',
        [workspaceId, webhookId],
      );
      return rows.map((row) => webhookFromRow(row, vault));
    },
  };
}

export function directoryWrites({ vault, group }: { vault: Vault; group: CommitGroup }): DirectoryWrites {
  /** The workspace's row is locked first: changes of its webhooks, on whichever node, come one after the other. */
  const putWebhook = async (
    tx: Transaction,
    { webhook, expectedVersion, readToken, audit: entry }: WebhookChange,
  ): Promise<Webhook> => {
    const lane: Lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
    const workspaces = await tx.query<{ revision: number }>(
      'UPDATE broxi.workspaces SET revision = revision + 1 WHERE id = $1 RETURNING revision',
      [lane.workspaceId],
    );
    const row = await latestVersion(tx.query, lane);
    const before = row === null ? null : webhookFromRow(row, vault);
    assertVersion(before, expectedVersion, webhook.id);
    const revision = firstOf(workspaces)?.revision;
    if (revision === undefined) throw new NotFoundError(`workspace ${lane.workspaceId}`);
    const version = (before?.version ?? 0) + 1;
    const createdAt = before?.createdAt ?? webhook.createdAt ?? webhook.updatedAt;
    const { config, sealed } = sealWebhook(webhook, vault);
    await tx.query(
      `INSERT INTO broxi.webhook_versions
          (workspace_id, webhook_id, version, revision, config, sealed, created_at, updated_at, deleted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        lane.workspaceId,
        lane.webhookId,
        version,
        revision,
        config,
        sealed,
        createdAt,
        webhook.updatedAt,
        webhook.deletedAt,
      ],
    );
    if (before) {
      const known = before.secret === webhook.secret ? destinationUrls(webhook.config) : [];
      await tx.query(
        'DELETE FROM broxi.destinations WHERE workspace_id = $1 AND webhook_id = $2 AND url <> ALL ($3::text[])',
        [lane.workspaceId, lane.webhookId, textArray(known)],
      );
    }
    if (webhook.deletedAt !== null) await removeReadToken(tx.query, lane);
    else if (readToken !== undefined) await putReadToken(tx.query, { lane, readToken, vault });
    await addAudit(tx, entry);
    tx.wakes.add(lane, 'changed');
    return { ...webhook, version, revision, createdAt };
  };

  const applyHold = async (tx: Transaction, { lane, change, audit: entry }: HoldRequest): Promise<Hold> => {
    const row = await lockLatestVersion(tx.query, lane);
    if (row === null || row.deleted_at !== null) throw new NotFoundError(`webhook ${lane.webhookId}`);
    const before = await findHold(tx.query, lane);
    const after = changeHold(before, change, entry.at);
    if (after === before) return before;
    await putHold(tx.query, lane, after);
    await addAudit(tx, entry);
    tx.wakes.add(lane, 'changed');
    return after;
  };

  return {
    ensureWorkspace: (workspace) =>
      group.work(async ({ query }) => {
        // Nodes that start together must not each make one.
        await query('LOCK TABLE broxi.workspaces IN SHARE ROW EXCLUSIVE MODE');
        const existing = firstOf(await query<Workspace>('SELECT id, name FROM broxi.workspaces ORDER BY id LIMIT 1'));
        if (existing !== null) return existing;
        await query('INSERT INTO broxi.workspaces (id, name) VALUES ($1, $2)', [workspace.id, workspace.name]);
        return workspace;
      }),
    putApiKey: (key) =>
      group.work(async ({ query }) => {
        await query(
          `INSERT INTO broxi.api_keys (workspace_id, id, name, hash, created_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (workspace_id, id) DO UPDATE SET name = excluded.name, hash = excluded.hash`,
          [key.workspaceId, key.id, key.name, key.hash, key.createdAt],
        );
      }),
    putWebhook: (change) => group.work((tx) => putWebhook(tx, change)),
    changeHold: (request) => group.work((tx) => applyHold(tx, request)),
    putEventType: (type) =>
      group.work(async ({ query }) => {
        await query(
          `INSERT INTO broxi.event_types (workspace_id, name, description, schema, sample, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (workspace_id, name) DO UPDATE SET description = excluded.description, schema = excluded.schema,
              sample = excluded.sample, updated_at = excluded.updated_at`,
          [type.workspaceId, type.name, type.description, type.schemaText, type.sampleText, type.updatedAt],
        );
      }),
    deleteEventType: (workspaceId, name) =>
      group.work(async ({ query }) => {
        const deleted = await query(
          'DELETE FROM broxi.event_types WHERE workspace_id = $1 AND name = $2 RETURNING name',
          [workspaceId, withoutNul(name)],
        );
        return deleted.length === 1;
      }),
    appendAudit: (entry) => group.work((tx) => addAudit(tx, entry)),
  };
}
