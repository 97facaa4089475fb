import type { RecordedEvent } from '../../domain/event.ts';

/** A row of `events`. */
export interface EventRow {
  id: string;
  type: string;
  occurred_at: number;
  accepted_at: number;
  run_id: string | null;
  revision: number;
  data: string;
}

export function eventFromRow(workspaceId: string, row: EventRow): RecordedEvent {
  return {
    workspaceId,
    id: row.id,
    type: row.type,
    occurredAt: row.occurred_at,
    acceptedAt: row.accepted_at,
    runId: row.run_id,
    revision: row.revision,
    dataText: row.data,
  };
}
