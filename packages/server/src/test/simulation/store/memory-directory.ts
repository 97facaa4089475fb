import { changeHold, NO_HOLD } from '../../../domain/hold.ts';
import { destinationUrls } from '../../../domain/target.ts';
import type { Lane, Webhook } from '../../../domain/webhook.ts';
import { ConflictError, NotFoundError } from '../../../errors.ts';
import type { Directory, HoldRequest, ReadStore, WebhookChange } from '../../../store/store.ts';
import { type Disk, isLane, keyOf } from './disk.ts';
import { inOrder, type MemoryParts } from './memory-parts.ts';

type DirectoryReads = Pick<ReadStore, Extract<keyof Directory, keyof ReadStore>>;

export function directoryReads(disk: Disk): DirectoryReads {
  const isOf = (lane: Lane, workspaceId: string, webhookId?: string) =>
    lane.workspaceId === workspaceId && (webhookId === undefined || lane.webhookId === webhookId);
  return {
    findApiKey: async (hash) => disk.apiKeys.all().find((key) => key.hash === hash) ?? null,
    findReadToken: async (hash) => disk.readTokens.all().find(({ token }) => token.hash === hash)?.lane ?? null,
    revealReadToken: async ({ workspaceId, webhookId }) =>
      disk.readTokens.get(keyOf(workspaceId, webhookId))?.token.token ?? null,
    loadWorkspace: async (workspaceId) => ({
      revision: disk.workspaces.get(workspaceId)?.revision ?? 0,
      webhooks: latestWebhooks(disk, workspaceId).filter(({ deletedAt }) => deletedAt === null),
      eventTypes: inOrder(
        disk.eventTypes.all().filter((type) => type.workspaceId === workspaceId),
        ({ name }) => name,
      ),
    }),
    listWebhookVersions: async (lane) => versionsOf(disk, lane).toReversed(),
    listDestinations: async (workspaceId, webhookId) =>
      disk.destinations
        .all()
        .filter(({ lane }) => isOf(lane, workspaceId, webhookId))
        .map(({ lane, url, value }) => ({ webhookId: lane.webhookId, url, ...value })),
    listHolds: async (workspaceId, webhookId) =>
      disk.holds
        .all()
        .filter(({ lane }) => isOf(lane, workspaceId, webhookId))
        .map(({ lane, hold }) => ({ webhookId: lane.webhookId, ...hold })),
  };
}

export function directoryWrites({ disk, group, wakes, audit }: MemoryParts): Omit<Directory, keyof DirectoryReads> {
  const putWebhook = ({ webhook, expectedVersion, readToken, audit: entry }: WebhookChange): Webhook => {
    const lane: Lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
    const versions = versionsOf(disk, lane);
    const before = versions.at(-1);
    if (before === undefined ? expectedVersion !== null : before.deletedAt !== null) {
      throw new NotFoundError(`webhook ${webhook.id}`);
    }
    if (before !== undefined && before.version !== expectedVersion) {
      throw new ConflictError('version_mismatch', `Webhook ${webhook.id} is at version ${before.version} by now.`);
    }
    const workspace = disk.workspaces.get(webhook.workspaceId);
    if (workspace === undefined) throw new NotFoundError(`workspace ${webhook.workspaceId}`);
    const saved: Webhook = {
      ...webhook,
      version: versions.length + 1,
      revision: workspace.revision + 1,
      createdAt: before?.createdAt ?? webhook.createdAt ?? webhook.updatedAt,
    };
    disk.workspaces.put(workspace.id, { ...workspace, revision: saved.revision });
    disk.webhooks.put(keyOf(lane.workspaceId, lane.webhookId), [...versions, saved]);
    const kept = before?.secret === saved.secret ? destinationUrls(saved.config) : [];
    for (const { lane: of, url } of disk.destinations.all()) {
      if (isLane(of, lane) && !kept.includes(url)) {
        disk.destinations.delete(keyOf(lane.workspaceId, lane.webhookId, url));
      }
    }
    const key = keyOf(lane.workspaceId, lane.webhookId);
    if (saved.deletedAt !== null) disk.readTokens.delete(key);
    else if (readToken !== undefined) disk.readTokens.put(key, { lane, token: readToken });
    audit(entry);
    wakes.add(lane, 'changed');
    return saved;
  };

  const applyHold = ({ lane, change, audit: entry }: HoldRequest) => {
    const webhook = versionsOf(disk, lane).at(-1);
    if (webhook === undefined || webhook.deletedAt !== null) throw new NotFoundError(`webhook ${lane.webhookId}`);
    const key = keyOf(lane.workspaceId, lane.webhookId);
    const before = disk.holds.get(key)?.hold ?? NO_HOLD;
    const hold = changeHold(before, change, entry.at);
    if (hold === before) return before;
    disk.holds.put(key, { lane, hold });
    audit(entry);
    wakes.add(lane, 'changed');
    return hold;
  };

  return {
    ensureWorkspace: (workspace) =>
      group.run(() => {
        const [first] = inOrder(disk.workspaces.all(), ({ id }) => id);
        if (first !== undefined) return { id: first.id, name: first.name };
        disk.workspaces.insert(workspace.id, { ...workspace, revision: 0 });
        return workspace;
      }),
    putApiKey: (key) => group.run(() => disk.apiKeys.put(keyOf(key.workspaceId, key.id), key)),
    putWebhook: (change) => group.run(() => putWebhook(change)),
    changeHold: (request) => group.run(() => applyHold(request)),
    putEventType: (type) => group.run(() => disk.eventTypes.put(keyOf(type.workspaceId, type.name), type)),
    deleteEventType: (workspaceId, name) => group.run(() => disk.eventTypes.delete(keyOf(workspaceId, name))),
    appendAudit: (entry) => group.run(() => audit(entry)),
  };
}

/** Oldest first; none: there never was such a webhook. */
export function versionsOf(disk: Disk, { workspaceId, webhookId }: Lane): readonly Webhook[] {
  return disk.webhooks.get(keyOf(workspaceId, webhookId)) ?? [];
}

function latestWebhooks(disk: Disk, workspaceId: string): Webhook[] {
  const latest = disk.webhooks.all().map((versions) => versions.at(-1));
  const ofWorkspace = latest.filter((webhook) => webhook !== undefined && webhook.workspaceId === workspaceId);
  return inOrder(
    ofWorkspace.filter((webhook) => webhook !== undefined),
    ({ id }) => id,
  );
}
