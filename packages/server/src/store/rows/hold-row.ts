import type { DisabledReason, Hold } from '../../domain/hold.ts';

/** A row of `webhook_holds`. */
export interface HoldRow {
  webhook_id: string;
  paused_at: number | null;
  disabled_at: number | null;
  disabled_reason: DisabledReason | null;
  resumed_at: number;
}

export function holdFromRow(row: HoldRow): Hold {
  return {
    pausedAt: row.paused_at,
    disabledAt: row.disabled_at,
    disabledReason: row.disabled_reason,
    resumedAt: row.resumed_at,
  };
}
