import type { Clock } from '../../clock.ts';
import { type Destination, type KnownChange, type Lane, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { type DestinationRow, destinationFromRow, destinationNotes, stateTexts } from '../rows/destination-row.ts';
import type { Vault } from '../vault.ts';
import { addAuditOfSystem } from './audit-rows.ts';
import { firstOf, type Query } from './database.ts';
import type { Transaction } from './transaction.ts';
import { ledThereSince } from './webhook-rows.ts';

/** What is known of every URL of a webhook, and maybe of some that it had. */
export async function findDestinations(
  query: Query,
  { workspaceId, webhookId }: Lane,
): Promise<Map<string, Destination>> {
  const rows = await query<DestinationRow>(
    'SELECT * FROM broxi.destinations WHERE workspace_id = $1 AND webhook_id = $2',
    [workspaceId, webhookId],
  );
  return new Map(rows.map((row) => [row.url, destinationFromRow(row)]));
}

/**
 * Keeps what an attempt learned, unless the webhook has had another secret, or has not led to that URL, since the version
 * that it was made with: what was known is forgotten then, and must not come back with an outcome that is written late.
 * @returns null: nothing new was learned
 */
export async function learnDestination(
  tx: Transaction,
  given: {
    lane: Lane;
    learned: { url: string; value: Destination } | null;
    webhookVersion: number;
    vault: Vault;
    clock: Clock;
  },
): Promise<KnownChange | null> {
  const { lane, learned, webhookVersion: version, vault, clock } = given;
  if (learned === null) return null;
  const { url, value: after } = learned;
  if (!(await ledThereSince(tx.query, { lane, url, version, vault }))) return null;
  const { workspaceId, webhookId } = lane;
  const key = [workspaceId, webhookId, url];
  const row = firstOf(
    await tx.query<DestinationRow>(
      'SELECT * FROM broxi.destinations WHERE workspace_id = $1 AND webhook_id = $2 AND url = $3',
      key,
    ),
  );
  const before = row === null ? UNKNOWN_DESTINATION : destinationFromRow(row);
  const { circuit, failing } = stateTexts(after);
  await tx.query(
    `INSERT INTO broxi.destinations
        (workspace_id, webhook_id, url, scheme, scheme_learned_at, not_before, circuit, failing)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
      ON CONFLICT (workspace_id, webhook_id, url) DO UPDATE SET scheme = excluded.scheme,
        scheme_learned_at = excluded.scheme_learned_at, not_before = excluded.not_before, circuit = excluded.circuit,
        failing = excluded.failing`,
    [...key, after.scheme, after.schemeLearnedAt, after.notBefore, circuit, failing],
  );
  for (const note of destinationNotes(url, { before, after })) {
    await addAuditOfSystem(tx, { workspaceId, at: clock.now(), subject: webhookId, ...note });
  }
  return { url, before, after };
}
