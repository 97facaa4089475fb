import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { type Destination, type KnownChange, type Lane, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { type DestinationRow, destinationFromRow, destinationNotes, stateTexts } from '../rows/destination-row.ts';
import type { AuditRows } from './audit-rows.ts';
import { allRows, oneRow } from './database.ts';
import type { ReceiverSince } from './webhook-rows.ts';

/** The statements that read and write what is known of destinations. Writes run inside the caller's transaction. */
export class DestinationRows {
  readonly #clock: Clock;
  readonly #find;
  readonly #all;
  readonly #put;
  readonly #audit: AuditRows;
  readonly #receiverSince: ReceiverSince;

  constructor(
    database: DatabaseSync,
    { clock, audit, receiverSince }: { clock: Clock; audit: AuditRows; receiverSince: ReceiverSince },
  ) {
    this.#clock = clock;
    this.#audit = audit;
    this.#receiverSince = receiverSince;
    this.#find = database.prepare('SELECT * FROM destinations WHERE workspace_id = ? AND webhook_id = ? AND url = ?');
    this.#all = database.prepare('SELECT * FROM destinations WHERE workspace_id = ? AND webhook_id = ?');
    this.#put = database.prepare(`
      INSERT OR REPLACE INTO destinations (workspace_id, webhook_id, url, scheme, scheme_learned_at, not_before, circuit, failing)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  find(lane: Lane, url: string): Destination {
    const row = oneRow<DestinationRow>(this.#find, lane.workspaceId, lane.webhookId, url);
    return row === null ? UNKNOWN_DESTINATION : destinationFromRow(row);
  }

  /** What is known of every URL of a webhook, and maybe of some that it had. */
  all(lane: Lane): Map<string, Destination> {
    const rows = allRows<DestinationRow>(this.#all, lane.workspaceId, lane.webhookId);
    return new Map(rows.map((row) => [row.url, destinationFromRow(row)]));
  }

  /**
   * Keeps what an attempt learned, unless the webhook has had another secret, or has not led to that URL, since the version
   * that it was made with: what was known is forgotten then, and must not come back with an outcome that is written late.
   * Another signed text than before, and a circuit that opens or closes, go into the audit log.
   * @returns what was known before, and is known now; null: nothing new was learned
   */
  learn(lane: Lane, learned: { url: string; value: Destination } | null, webhookVersion: number): KnownChange | null {
    if (learned === null || !this.#receiverSince(lane, learned.url, webhookVersion)) return null;
    const { url, value } = learned;
    const before = this.find(lane, url);
    const { circuit, failing } = stateTexts(value);
    const { scheme, schemeLearnedAt, notBefore } = value;
    this.#put.run(lane.workspaceId, lane.webhookId, url, scheme, schemeLearnedAt, notBefore, circuit, failing);
    for (const note of destinationNotes(url, { before, after: value })) {
      this.#audit.addOfSystem({
        workspaceId: lane.workspaceId,
        at: this.#clock.now(),
        subject: lane.webhookId,
        ...note,
      });
    }
    return { url, before, after: value };
  }
}
