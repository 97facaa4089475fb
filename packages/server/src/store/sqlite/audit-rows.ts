import type { DatabaseSync } from 'node:sqlite';
import { newId } from '../../ids.ts';
import type { AuditEntry } from '../store.ts';

/** The statement that writes the audit log. Runs inside the caller's transaction. */
export class AuditRows {
  readonly #insert;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO audit_log (workspace_id, id, at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
  }

  add(entry: AuditEntry): void {
    const { workspaceId, id, at, actor, action, subject, detail } = entry;
    this.#insert.run(workspaceId, id, at, actor, action, subject, detail);
  }

  /** What nobody asked for: the engine did it. */
  addOfSystem(entry: Omit<AuditEntry, 'id' | 'actor'>): void {
    this.add({ ...entry, id: newId('aud'), actor: 'system' });
  }
}
