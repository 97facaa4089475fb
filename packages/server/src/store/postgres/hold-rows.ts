import { type Hold, NO_HOLD } from '../../domain/hold.ts';
import type { Lane } from '../../domain/webhook.ts';
import { type HoldRow, holdFromRow } from '../rows/hold-row.ts';
import { firstOf, type Query } from './database.ts';

export async function findHold(query: Query, { workspaceId, webhookId }: Lane): Promise<Hold> {
  const rows = await query<HoldRow>('SELECT * FROM broxi.webhook_holds WHERE workspace_id = $1 AND webhook_id = $2', [
    workspaceId,
    webhookId,
  ]);
  const row = firstOf(rows);
  return row === null ? NO_HOLD : holdFromRow(row);
}

/** For whoever has locked the webhook's present version. */
export async function putHold(query: Query, { workspaceId, webhookId }: Lane, hold: Hold): Promise<void> {
  await query(
    `INSERT INTO broxi.webhook_holds (workspace_id, webhook_id, paused_at, disabled_at, disabled_reason, resumed_at)
      VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (workspace_id, webhook_id) DO UPDATE SET paused_at = excluded.paused_at,
        disabled_at = excluded.disabled_at, disabled_reason = excluded.disabled_reason, resumed_at = excluded.resumed_at`,
    [workspaceId, webhookId, hold.pausedAt, hold.disabledAt, hold.disabledReason, hold.resumedAt],
  );
}
