import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { type Destination, type Lane, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import { allRows, oneRow } from './database.ts';

/** A row of `destinations`. */
export interface DestinationRow {
  webhook_id: string;
  url: string;
  scheme: Destination['scheme'];
  scheme_learned_at: number;
  not_before: number;
}

export function destinationFromRow(row: DestinationRow): Destination {
  return { scheme: row.scheme, schemeLearnedAt: row.scheme_learned_at, notBefore: row.not_before };
}

/** The statements that read and write what is known of destinations. Writes run inside the caller's transaction. */
export class DestinationRows {
  readonly #clock: Clock;
  readonly #find;
  readonly #all;
  readonly #put;
  readonly #audit;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#find = database.prepare('SELECT * FROM destinations WHERE workspace_id = ? AND webhook_id = ? AND url = ?');
    this.#all = database.prepare('SELECT * FROM destinations WHERE workspace_id = ? AND webhook_id = ?');
    this.#put = database.prepare(`
      INSERT OR REPLACE INTO destinations (workspace_id, webhook_id, url, scheme, scheme_learned_at, not_before)
      VALUES (?, ?, ?, ?, ?, ?)`);
    this.#audit = database.prepare(`
      INSERT INTO audit_log (workspace_id, id, at, actor, action, subject, detail)
      VALUES (?, ?, ?, 'system', 'webhook.signature_scheme_learned', ?, ?)`);
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

  /** Keeps what an attempt learned. That a receiver takes another signed text than before goes into the audit log. */
  learn(lane: Lane, learned: { url: string; value: Destination } | null): void {
    if (learned === null) return;
    const { url, value } = learned;
    const { scheme: before } = this.find(lane, url);
    this.#put.run(lane.workspaceId, lane.webhookId, url, value.scheme, value.schemeLearnedAt, value.notBefore);
    if (value.scheme === null || value.scheme === before) return;
    const detail = `${before ?? 'unknown'} -> ${value.scheme} at ${url}`;
    this.#audit.run(lane.workspaceId, newId('aud'), this.#clock.now(), lane.webhookId, detail);
  }
}
