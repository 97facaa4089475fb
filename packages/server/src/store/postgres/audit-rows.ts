import { newId } from '../../ids.ts';
import type { AuditEntry } from '../store.ts';
import type { Transaction } from './transaction.ts';

export async function addAudit(tx: Transaction, entry: AuditEntry): Promise<void> {
  const { workspaceId, id, at, actor, action, subject, detail } = entry;
  await tx.query(
    `INSERT INTO broxi.audit_log (workspace_id, id, at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [workspaceId, id, at, actor, action, subject, detail],
  );
}

/** What nobody asked for: the engine did it. */
export async function addAuditOfSystem(tx: Transaction, entry: Omit<AuditEntry, 'id' | 'actor'>): Promise<void> {
  await addAudit(tx, { ...entry, id: newId('aud'), actor: 'system' });
}
