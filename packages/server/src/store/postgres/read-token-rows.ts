import type { Lane } from '../../domain/webhook.ts';
import type { Directory, ReadToken } from '../store.ts';
import type { Vault } from '../vault.ts';
import { firstOf, type Query, type Reads } from './database.ts';

export type ReadTokenReads = Pick<Directory, 'findReadToken' | 'revealReadToken'>;

export function readTokenReads(reads: Reads, vault: Vault): ReadTokenReads {
  return {
    async findReadToken(hash) {
      const text =
        'SELECT workspace_id AS "workspaceId", webhook_id AS "webhookId" FROM broxi.read_tokens WHERE hash = $1';
      return firstOf(await reads.query<Lane>(text, [hash]));
    },
    async revealReadToken({ workspaceId, webhookId }) {
      const text = 'SELECT sealed FROM broxi.read_tokens WHERE workspace_id = $1 AND webhook_id = $2';
      const row = firstOf(await reads.query<{ sealed: string }>(text, [workspaceId, webhookId]));
      return row && vault.open(row.sealed);
    },
  };
}

/** A webhook has one, beside its versions, so that a former one is kept nowhere. */
export async function putReadToken(
  query: Query,
  { lane, readToken, vault }: { lane: Lane; readToken: ReadToken; vault: Vault },
): Promise<void> {
  await query(
    `INSERT INTO broxi.read_tokens (workspace_id, webhook_id, hash, sealed) VALUES ($1, $2, $3, $4)
      ON CONFLICT (workspace_id, webhook_id) DO UPDATE SET hash = excluded.hash, sealed = excluded.sealed`,
    [lane.workspaceId, lane.webhookId, readToken.hash, vault.seal(readToken.token)],
  );
}

export async function removeReadToken(query: Query, { workspaceId, webhookId }: Lane): Promise<void> {
  await query('DELETE FROM broxi.read_tokens WHERE workspace_id = $1 AND webhook_id = $2', [workspaceId, webhookId]);
}
