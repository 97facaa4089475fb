import type { DatabaseSync } from 'node:sqlite';
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
import type { WakeList } from '../wake-list.ts';
import type { AuditRows } from './audit-rows.ts';
import type { CommitGroup } from './commit-group.ts';
import { allRows, oneRow } from './database.ts';
import type { HoldRows } from './hold-rows.ts';
import { type ReadTokenReads, type ReadTokenRows, readTokenReads } from './read-token-rows.ts';

export type DirectoryReads = Pick<
  Directory,
  'findApiKey' | 'loadWorkspace' | 'listWebhookVersions' | 'listDestinations' | 'listHolds' | keyof ReadTokenReads
>;
export type DirectoryWrites = Omit<Directory, keyof DirectoryReads>;

export function directoryReads(database: DatabaseSync, vault: Vault): DirectoryReads {
  const keyByHash = database.prepare('SELECT * FROM api_keys WHERE hash = ?');
  const revision = database.prepare('SELECT revision FROM workspaces WHERE id = ?');
  const current = database.prepare(`
    SELECT * FROM webhook_versions v
    WHERE workspace_id = ? AND deleted_at IS NULL AND version = (
      SELECT max(version) FROM webhook_versions WHERE workspace_id = v.workspace_id AND webhook_id = v.webhook_id)
    ORDER BY webhook_id`);
  const eventTypes = database.prepare('SELECT * FROM event_types WHERE workspace_id = ? ORDER BY name');
  const versions = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? ORDER BY version DESC',
  );
  const destinations = database.prepare(`
    SELECT * FROM destinations WHERE workspace_id = ? AND (?2 IS NULL OR webhook_id = ?2) ORDER BY webhook_id, url`);
  const holds = database.prepare(`
    SELECT * FROM webhook_holds WHERE workspace_id = ? AND (?2 IS NULL OR webhook_id = ?2) ORDER BY webhook_id`);
  return {
    ...readTokenReads(database, vault),
    async findApiKey(hash) {
      const row = oneRow<ApiKeyRow>(keyByHash, hash);
      return row && apiKeyFromRow(row);
    },
    async loadWorkspace(workspaceId) {
      database.exec('BEGIN');
      try {
        return {
          revision: oneRow<{ revision: number }>(revision, workspaceId)?.revision ?? 0,
          webhooks: allRows<WebhookRow>(current, workspaceId).map((row) => webhookFromRow(row, vault)),
          eventTypes: allRows<EventTypeRow>(eventTypes, workspaceId).map(eventTypeFromRow),
        };
      } finally {
        database.exec('COMMIT');
      }
    },
    async listDestinations(workspaceId, webhookId) {
      return allRows<DestinationRow>(destinations, workspaceId, webhookId ?? null).map((row) => ({
        webhookId: row.webhook_id,
        url: row.url,
        ...destinationFromRow(row),
      }));
    },
    async listHolds(workspaceId, webhookId) {
      return allRows<HoldRow>(holds, workspaceId, webhookId ?? null).map((row) => ({
        webhookId: row.webhook_id,
        ...holdFromRow(row),
      }));
    },
    async listWebhookVersions(lane) {
      return allRows<WebhookRow>(versions, lane.workspaceId, lane.webhookId).map((row) => webhookFromRow(row, vault));
    },
  };
}

export function directoryWrites(options: {
  database: DatabaseSync;
  vault: Vault;
  group: CommitGroup;
  wakes: WakeList;
  holds: HoldRows;
  readTokens: ReadTokenRows;
  audit: AuditRows;
}): DirectoryWrites {
  const { database, vault, group, wakes, holds, readTokens, audit } = options;
  const firstWorkspace = database.prepare('SELECT id, name FROM workspaces ORDER BY id LIMIT 1');
  const insertWorkspace = database.prepare('INSERT INTO workspaces (id, name) VALUES (?, ?)');
  const putKey = database.prepare(`
    INSERT INTO api_keys (workspace_id, id, name, hash, created_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (workspace_id, id) DO UPDATE SET name = excluded.name, hash = excluded.hash`);
  const nextRevision = database.prepare(
    'UPDATE workspaces SET revision = revision + 1 WHERE id = ? RETURNING revision',
  );
  const latest = database.prepare(
    'SELECT * FROM webhook_versions WHERE workspace_id = ? AND webhook_id = ? ORDER BY version DESC LIMIT 1',
  );
  const insertVersion = database.prepare(`
    INSERT INTO webhook_versions (workspace_id, webhook_id, version, revision, config, sealed, created_at, updated_at, deleted_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const forgetDestinations = database.prepare(`
    DELETE FROM destinations
    WHERE workspace_id = ? AND webhook_id = ? AND url NOT IN (SELECT value FROM json_each(?))`);
  const putType = database.prepare(`
    INSERT INTO event_types (workspace_id, name, description, schema, sample, updated_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (workspace_id, name) DO UPDATE SET
      description = excluded.description, schema = excluded.schema, sample = excluded.sample, updated_at = excluded.updated_at`);
  const deleteType = database.prepare('DELETE FROM event_types WHERE workspace_id = ? AND name = ?');

  const putWebhook = ({ webhook, expectedVersion, readToken, audit: entry }: WebhookChange): Webhook => {
    const lane: Lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
    const row = oneRow<WebhookRow>(latest, lane.workspaceId, lane.webhookId);
    const before = row === null ? null : webhookFromRow(row, vault);
    assertVersion(before, expectedVersion, webhook.id);
    const revision = oneRow<{ revision: number }>(nextRevision, lane.workspaceId)?.revision;
    if (revision === undefined) throw new NotFoundError(`workspace ${lane.workspaceId}`);
    const version = (before?.version ?? 0) + 1;
    const createdAt = before?.createdAt ?? webhook.createdAt ?? webhook.updatedAt;
    const { config, sealed } = sealWebhook(webhook, vault);
    insertVersion.run(
      lane.workspaceId,
      lane.webhookId,
      version,
      revision,
      config,
      sealed,
      createdAt,
      webhook.updatedAt,
      webhook.deletedAt,
    );
    if (before) {
      const known = before.secret === webhook.secret ? destinationUrls(webhook.config) : [];
      forgetDestinations.run(lane.workspaceId, lane.webhookId, JSON.stringify(known));
    }
    if (webhook.deletedAt !== null) readTokens.remove(lane);
    else if (readToken !== undefined) readTokens.put(lane, readToken);
    audit.add(entry);
    wakes.add(lane, 'changed');
    return { ...webhook, version, revision, createdAt };
  };

  const applyHold = ({ lane, change, audit: entry }: HoldRequest): Hold => {
    const row = oneRow<WebhookRow>(latest, lane.workspaceId, lane.webhookId);
    if (row === null || row.deleted_at !== null) throw new NotFoundError(`webhook ${lane.webhookId}`);
    const before = holds.find(lane);
    const after = changeHold(before, change, entry.at);
    if (after === before) return before;
    holds.put(lane, after);
    audit.add(entry);
    wakes.add(lane, 'changed');
    return after;
  };

  return {
    ensureWorkspace: (workspace) =>
      group.run(() => {
        const existing = oneRow<Workspace>(firstWorkspace);
        if (existing) return { id: existing.id, name: existing.name };
        insertWorkspace.run(workspace.id, workspace.name);
        return workspace;
      }),
    putApiKey: (key) =>
      group.run(() => {
        putKey.run(key.workspaceId, key.id, key.name, key.hash, key.createdAt);
      }),
    putWebhook: (change) => group.run(() => putWebhook(change)),
    changeHold: (request) => group.run(() => applyHold(request)),
    putEventType: (type) =>
      group.run(() => {
        putType.run(type.workspaceId, type.name, type.description, type.schemaText, type.sampleText, type.updatedAt);
      }),
    deleteEventType: (workspaceId, name) => group.run(() => deleteType.run(workspaceId, name).changes === 1),
    appendAudit: (entry) => group.run(() => audit.add(entry)),
  };
}
