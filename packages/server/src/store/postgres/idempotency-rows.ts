import { IDEMPOTENCY_MS, type KeptAnswer } from '../idempotency.ts';
import type { IdempotencyKey } from '../store.ts';
import { textArray } from './array-parameter.ts';
import { InTheWayError } from './errors.ts';
import { withNul, withoutNul } from './nul-free-text.ts';
import type { Transaction } from './transaction.ts';

/** A key, and whose it is. */
export interface OwnedKey {
  workspaceId: string;
  key: IdempotencyKey;
}

/** Expired keys removed for each that is added: more, so that the table stays small. */
const EXPIRED_PER_KEY = 4;

/** Takes no locks: `keep` finds out whether another node added a key meanwhile. */
const FIND = `
  SELECT workspace_id, scope, key, body_hash, answer
  FROM broxi.idempotency
  JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (workspace_id, scope, key) USING (workspace_id, scope, key)
  WHERE expires_at > $4`;

/** In the order of the keys, so that two nodes never wait for each other. Result: a row for each that was put. */
const KEEP = `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
      AS k (workspace_id, scope, key, body_hash, answer)
  ),
  gone AS (
    DELETE FROM broxi.idempotency WHERE (workspace_id, scope, key) IN (
      SELECT workspace_id, scope, key FROM broxi.idempotency
      WHERE expires_at <= $6 AND (workspace_id, scope, key) NOT IN (SELECT workspace_id, scope, key FROM given)
      LIMIT $8 FOR UPDATE SKIP LOCKED)
  )
  INSERT INTO broxi.idempotency (workspace_id, scope, key, body_hash, answer, expires_at)
  SELECT workspace_id, scope, key, body_hash, answer, $7 FROM given ORDER BY workspace_id, scope, key
  ON CONFLICT (workspace_id, scope, key) DO UPDATE
    SET body_hash = excluded.body_hash, answer = excluded.answer, expires_at = excluded.expires_at
    WHERE idempotency.expires_at <= $6
  RETURNING 1 AS one`;

/** What the keys of a group were answered, and are: those that are known, and those that this transaction adds. */
export class KeptAnswers {
  readonly #known = new Map<string, { bodyHash: string; answer: KeptAnswer }>();
  readonly #added: (OwnedKey & { answer: KeptAnswer })[] = [];

  /** What is kept for these keys. */
  static async find(tx: Transaction, keys: readonly OwnedKey[], now: number): Promise<KeptAnswers> {
    const answers = new KeptAnswers();
    if (keys.length === 0) return answers;
    const unique = [...new Map(keys.map((owned) => [textOf(owned), owned])).values()];
    const rows = await tx.query<KeyRow>(FIND, [...keyColumns(unique), now]);
    for (const row of rows) {
      const owned = { workspaceId: row.workspace_id, key: { scope: row.scope, key: withNul(row.key) } };
      answers.#known.set(textOf(owned), { bodyHash: row.body_hash, answer: JSON.parse(row.answer) as KeptAnswer });
    }
    return answers;
  }

  recall(workspaceId: string, key: IdempotencyKey | null): KeptAnswer | 'conflict' | null {
    const known = key === null ? undefined : this.#known.get(textOf({ workspaceId, key }));
    if (known === undefined) return null;
    return known.bodyHash === key?.bodyHash ? known.answer : 'conflict';
  }

  add(workspaceId: string, key: IdempotencyKey | null, answer: KeptAnswer): void {
    if (key === null) return;
    this.#known.set(textOf({ workspaceId, key }), { bodyHash: key.bodyHash, answer });
    this.#added.push({ workspaceId, key, answer });
  }

  /** Writes what was added: one statement. @throws InTheWayError if another node was quicker with one of the keys */
  async keep(tx: Transaction, now: number): Promise<void> {
    const added = this.#added;
    if (added.length === 0) return;
    const kept = await tx.query(KEEP, [
      ...keyColumns(added),
      textArray(added.map(({ key }) => key.bodyHash)),
      textArray(added.map(({ answer }) => JSON.stringify(answer))),
      now,
      now + IDEMPOTENCY_MS,
      added.length * EXPIRED_PER_KEY,
    ]);
    if (kept.length < added.length) throw new InTheWayError('another node answers a request of the same key');
  }
}

interface KeyRow {
  workspace_id: string;
  scope: string;
  key: string;
  body_hash: string;
  answer: string;
}

function textOf({ workspaceId, key }: { workspaceId: string; key: Pick<IdempotencyKey, 'scope' | 'key'> }): string {
  return JSON.stringify([workspaceId, key.scope, key.key]);
}

function keyColumns(keys: readonly OwnedKey[]): Buffer[] {
  return [
    textArray(keys.map(({ workspaceId }) => workspaceId)),
    textArray(keys.map(({ key }) => key.scope)),
    textArray(keys.map(({ key }) => withoutNul(key.key))),
  ];
}
