import { firstOf } from './database.ts';
import type { Transaction } from './transaction.ts';

/** The revision that a workspace is at; asked for once in a transaction. */
export async function revisionOf(tx: Transaction, workspaceId: string): Promise<number> {
  const known = tx.revisions.get(workspaceId);
  if (known !== undefined) return known;
  const text = 'SELECT revision FROM broxi.workspaces WHERE id = $1';
  const revision = firstOf(await tx.query<{ revision: number }>(text, [workspaceId]))?.revision ?? 0;
  tx.revisions.set(workspaceId, revision);
  return revision;
}
