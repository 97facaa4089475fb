import type { ApiKey, CustomEventType } from '../store.ts';

/** A row of `api_keys`. */
export interface ApiKeyRow {
  workspace_id: string;
  id: string;
  name: string;
  hash: string;
  created_at: number;
}

export function apiKeyFromRow(row: ApiKeyRow): ApiKey {
  return { id: row.id, workspaceId: row.workspace_id, name: row.name, hash: row.hash, createdAt: row.created_at };
}

/** A row of `event_types`. */
export interface EventTypeRow {
  workspace_id: string;
  name: string;
  description: string;
  schema: string;
  sample: string | null;
  updated_at: number;
}

export function eventTypeFromRow(row: EventTypeRow): CustomEventType {
  return {
    workspaceId: row.workspace_id,
    name: row.name,
    description: row.description,
    schemaText: row.schema,
    sampleText: row.sample,
    updatedAt: row.updated_at,
  };
}
