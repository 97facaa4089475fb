import type { DatabaseSync } from 'node:sqlite';
import { type Hold, NO_HOLD } from '../../domain/hold.ts';
import type { Lane } from '../../domain/webhook.ts';
import { type HoldRow, holdFromRow } from '../rows/hold-row.ts';
import { oneRow } from './database.ts';

/** The statements that read and write what stops webhooks. Writes run inside the caller's transaction. */
export class HoldRows {
  readonly #find;
  readonly #put;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare('SELECT * FROM webhook_holds WHERE workspace_id = ? AND webhook_id = ?');
    this.#put = database.prepare(`
      INSERT OR REPLACE INTO webhook_holds (workspace_id, webhook_id, paused_at, disabled_at, disabled_reason, resumed_at)
      VALUES (?, ?, ?, ?, ?, ?)`);
  }

  find(lane: Lane): Hold {
    const row = oneRow<HoldRow>(this.#find, lane.workspaceId, lane.webhookId);
    return row === null ? NO_HOLD : holdFromRow(row);
  }

  put({ workspaceId, webhookId }: Lane, hold: Hold): void {
    this.#put.run(workspaceId, webhookId, hold.pausedAt, hold.disabledAt, hold.disabledReason, hold.resumedAt);
  }
}
