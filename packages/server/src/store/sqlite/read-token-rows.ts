import type { DatabaseSync } from 'node:sqlite';
import type { Lane } from '../../domain/webhook.ts';
import type { Directory, ReadToken } from '../store.ts';
import type { Vault } from '../vault.ts';
import { oneRow } from './database.ts';

export type ReadTokenReads = Pick<Directory, 'findReadToken' | 'revealReadToken'>;

export function readTokenReads(database: DatabaseSync, vault: Vault): ReadTokenReads {
  const byHash = database.prepare('SELECT workspace_id, webhook_id FROM read_tokens WHERE hash = ?');
  const ofWebhook = database.prepare('SELECT sealed FROM read_tokens WHERE workspace_id = ? AND webhook_id = ?');
  return {
    async findReadToken(hash) {
      const row = oneRow<{ workspace_id: string; webhook_id: string }>(byHash, hash);
      return row && { workspaceId: row.workspace_id, webhookId: row.webhook_id };
    },
    async revealReadToken({ workspaceId, webhookId }) {
      const row = oneRow<{ sealed: string }>(ofWebhook, workspaceId, webhookId);
      return row && vault.open(row.sealed);
    },
  };
}

/** The read tokens of webhooks: one for each, beside its versions, so that a former one is kept nowhere. */
export class ReadTokenRows {
  readonly #vault: Vault;
  readonly #put;
  readonly #remove;

  constructor(database: DatabaseSync, vault: Vault) {
    this.#vault = vault;
    this.#put = database.prepare(`
      INSERT INTO read_tokens (workspace_id, webhook_id, hash, sealed) VALUES (?, ?, ?, ?)
      ON CONFLICT (workspace_id, webhook_id) DO UPDATE SET hash = excluded.hash, sealed = excluded.sealed`);
    this.#remove = database.prepare('DELETE FROM read_tokens WHERE workspace_id = ? AND webhook_id = ?');
  }

  put({ workspaceId, webhookId }: Lane, { token, hash }: ReadToken): void {
    this.#put.run(workspaceId, webhookId, hash, this.#vault.seal(token));
  }

  remove({ workspaceId, webhookId }: Lane): void {
    this.#remove.run(workspaceId, webhookId);
  }
}
