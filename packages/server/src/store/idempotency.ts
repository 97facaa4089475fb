import type { RecordedOutcome } from './store.ts';

/** How long a key answers with what it was answered first. */
export const IDEMPOTENCY_MS = 24 * 3600 * 1000;

/** What a key was answered, as the `idempotency` table keeps it. */
export interface KeptAnswer {
  events: readonly RecordedOutcome[];
  note: string | null;
}
