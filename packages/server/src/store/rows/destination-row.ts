import { type Circuit, CLOSED_CIRCUIT } from '../../domain/circuit.ts';
import type { FailingStreak } from '../../domain/failing-streak.ts';
import type { Destination } from '../../domain/webhook.ts';

/** A row of `destinations`. */
export interface DestinationRow {
  webhook_id: string;
  url: string;
  scheme: Destination['scheme'];
  scheme_learned_at: number;
  not_before: number;
  circuit: string | null;
  failing: string | null;
}

export function destinationFromRow(row: DestinationRow): Destination {
  return {
    scheme: row.scheme,
    schemeLearnedAt: row.scheme_learned_at,
    notBefore: row.not_before,
    circuit: row.circuit === null ? CLOSED_CIRCUIT : (JSON.parse(row.circuit) as Circuit),
    failing: row.failing === null ? null : (JSON.parse(row.failing) as FailingStreak),
  };
}

/** What a row keeps as JSON; null where there is nothing to say. */
export function stateTexts({ circuit, failing }: Destination): Pick<DestinationRow, 'circuit' | 'failing'> {
  return {
    circuit: circuit.state === 'closed' ? null : JSON.stringify(circuit),
    failing: failing === null ? null : JSON.stringify(failing),
  };
}

/** What the audit log is told of a destination: another signed text than before, and a circuit that opens or closes. */
export function destinationNotes(
  url: string,
  { before, after }: { before: Destination; after: Destination },
): { action: string; detail: string }[] {
  const notes: { action: string; detail: string }[] = [];
  if (after.scheme !== null && after.scheme !== before.scheme) {
    const detail = `${before.scheme ?? 'unknown'} -> ${after.scheme} at ${url}`;
    notes.push({ action: 'webhook.signature_scheme_learned', detail });
  }
  const [wasOpen, isOpen] = [before.circuit.state === 'open', after.circuit.state === 'open'];
  if (wasOpen !== isOpen) {
    notes.push({ action: isOpen ? 'webhook.circuit_opened' : 'webhook.circuit_closed', detail: `at ${url}` });
  }
  return notes;
}
