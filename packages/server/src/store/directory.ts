import type { Hold, HoldChange } from '../domain/hold.ts';
import type { Destination, Lane, Webhook } from '../domain/webhook.ts';

/** Who may call, and what is configured. */
export interface Directory {
  /** Answers the workspace with the lowest id, and makes this one if there is none yet. */
  ensureWorkspace(workspace: Workspace): Promise<Workspace>;
  /** Adds the key, or replaces the one of the same id. */
  putApiKey(key: ApiKey): Promise<void>;
  findApiKey(hash: string): Promise<ApiKey | null>;
  /** Whose read token this is the hash of; null: nobody's any more. */
  findReadToken(hash: string): Promise<Lane | null>;
  /** The token itself, for who may see it; null: the webhook has none, or was deleted. */
  revealReadToken(lane: Lane): Promise<string | null>;
  /** What publishing needs, at one revision: every webhook that is not deleted, and the custom event types. */
  loadWorkspace(workspaceId: string): Promise<WorkspaceSnapshot>;
  /**
   * Creates (`expectedVersion: null`) or replaces a webhook: a new version and a new workspace revision. Rejects with
   * `ConflictError('version_mismatch')` unless the stored version is `expectedVersion`, and with `NotFoundError` if there is
   * no such webhook or workspace, or the webhook was deleted. Wakes its lane.
   */
  putWebhook(change: WebhookChange): Promise<Webhook>;
  /** Every version of a webhook, newest first; also of a deleted one. Empty: there is no such webhook. */
  listWebhookVersions(lane: Lane): Promise<Webhook[]>;
  /** What is known of the destinations of a webhook, or of all of a workspace; nothing of those that were never learned about. */
  listDestinations(workspaceId: string, webhookId?: string): Promise<KnownDestination[]>;
  /** What stops the webhooks of a workspace, or one of them; nothing of those that nothing ever stopped. */
  listHolds(workspaceId: string, webhookId?: string): Promise<KnownHold[]>;
  /**
   * Pauses, resumes or enables a webhook: one row, whatever it is owed, and the audit entry if that changed anything. Rejects
   * with `NotFoundError` if there is no such webhook, or it was deleted. Wakes its lane.
   */
  changeHold(request: HoldRequest): Promise<Hold>;
  putEventType(type: CustomEventType): Promise<void>;
  /** @returns false if there was none */
  deleteEventType(workspaceId: string, name: string): Promise<boolean>;
  appendAudit(entry: AuditEntry): Promise<void>;
}

export interface Workspace {
  id: string;
  name: string;
}

export interface ApiKey {
  id: string;
  workspaceId: string;
  name: string;
  /** SHA-256 of the key, hexadecimal. The key itself is not kept. */
  hash: string;
  createdAt: number;
}

export interface CustomEventType {
  workspaceId: string;
  name: string;
  description: string;
  /** JSON Schema of `data`, as text. */
  schemaText: string;
  /** A sample of `data`, as text; null: none given. */
  sampleText: string | null;
  updatedAt: number;
}

export interface WorkspaceSnapshot {
  revision: number;
  webhooks: Webhook[];
  eventTypes: CustomEventType[];
}

export interface WebhookChange {
  webhook: Omit<Webhook, 'version' | 'revision' | 'createdAt'> & { createdAt?: number };
  expectedVersion: number | null;
  /** The webhook's from now on, in place of any other; absent: it keeps what it has. One that is deleted keeps none. */
  readToken?: ReadToken;
  audit: AuditEntry;
}

/** Reads the payloads of one webhook's deliveries, and nothing else. Kept sealed, and found by its hash. */
export interface ReadToken {
  token: string;
  /** SHA-256 of the token, hexadecimal. */
  hash: string;
}

export interface KnownDestination extends Destination {
  webhookId: string;
  url: string;
}

export interface KnownHold extends Hold {
  webhookId: string;
}

export interface HoldRequest {
  lane: Lane;
  change: HoldChange;
  /** Its instant is the one of the change. */
  audit: AuditEntry;
}

export interface AuditEntry {
  workspaceId: string;
  id: string;
  at: number;
  /** The API key's id, or `system`. */
  actor: string;
  action: string;
  subject: string;
  detail: string | null;
}
