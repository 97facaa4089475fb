import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import type { Destination } from '../../domain/webhook.ts';
import { DestinationRows } from './destination-rows.ts';
import { MIGRATIONS } from './schema.ts';

const LANE = { workspaceId: 'ws_1', webhookId: 'wh_1' };
const URL = 'https://receiver.example/hook';

function open() {
  const database = new DatabaseSync(':memory:');
  for (const statements of MIGRATIONS) database.exec(statements);
  const rows = new DestinationRows(database, systemClock);
  const learn = (changes: Partial<Destination>) =>
    rows.learn(LANE, { url: URL, value: { ...rows.find(LANE, URL), ...changes } });
  const audited = () =>
    database
      .prepare('SELECT actor, action, subject, detail FROM audit_log ORDER BY id')
      .all()
      .map((row) => ({ ...row }));
  return { rows, learn, audited };
}

test('keeps what was learned', () => {
  const { rows, learn } = open();
  learn({ scheme: 'body', schemeLearnedAt: 5 });
  learn({ notBefore: 9 });
  assert.deepEqual(rows.find(LANE, URL), { scheme: 'body', schemeLearnedAt: 5, notBefore: 9 });
  assert.equal(rows.find(LANE, 'https://other.example/').scheme, null);
});

test('a change of the signed text is in the audit log, and nothing else', () => {
  const { learn, audited } = open();
  learn({ notBefore: 9 });
  learn({ scheme: 'timestamped', schemeLearnedAt: 1 });
  learn({ scheme: 'timestamped', schemeLearnedAt: 2 });
  learn({ scheme: 'body', schemeLearnedAt: 3 });
  const entry = { actor: 'system', action: 'webhook.signature_scheme_learned', subject: 'wh_1' };
  assert.deepEqual(audited(), [
    { ...entry, detail: `unknown -> timestamped at ${URL}` },
    { ...entry, detail: `timestamped -> body at ${URL}` },
  ]);
});
