/** An event as it is kept: what a producer said happened, once for all the deliveries that it causes. */
export interface RecordedEvent {
  workspaceId: string;
  /** `evt_…` */
  id: string;
  type: string;
  /** When it happened, as the producer says; milliseconds since the epoch. */
  occurredAt: number;
  /** When it was taken in. */
  acceptedAt: number;
  /** `data.run_id` where it is a text, for the time line of a run. */
  runId: string | null;
  /** The workspace revision whose webhooks were matched: tells later why a webhook got it or did not. */
  revision: number;
  /** `data` as `JSON.stringify` writes it. Its bytes are part of every body that is sent, so it is kept as text. */
  dataText: string;
}

/** The `run_id` of an event's data, which orders and groups what belongs to one run. */
export function runIdOf(data: unknown): string | null {
  if (typeof data !== 'object' || data === null || !('run_id' in data)) return null;
  return typeof data.run_id === 'string' ? data.run_id : null;
}
