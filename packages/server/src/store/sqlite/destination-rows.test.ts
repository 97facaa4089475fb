import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import { type Destination, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { AuditRows } from './audit-rows.ts';
import { DestinationRows } from './destination-rows.ts';
import { MIGRATIONS } from './schema.ts';

const LANE = { workspaceId: 'ws_1', webhookId: 'wh_1' };
const URL = 'https://receiver.example/hook';

function open({ kept = '' } = {}) {
  const database = new DatabaseSync(':memory:');
  for (const [position, statements] of MIGRATIONS.entries()) {
    database.exec(statements);
    if (position === 0) database.exec(kept);
  }
  const rows = new DestinationRows(database, {
    clock: systemClock,
    audit: new AuditRows(database),
    receiverSince: (_lane, _url, version) => version === 2,
  });
  const learn = (changes: Partial<Destination>, version = 2) =>
    rows.learn(LANE, { url: URL, value: { ...rows.find(LANE, URL), ...changes } }, version);
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
  assert.deepEqual(rows.find(LANE, URL), {
    ...UNKNOWN_DESTINATION,
    scheme: 'body',
    schemeLearnedAt: 5,
    notBefore: 9,
  });
  assert.equal(rows.find(LANE, 'https://other.example/').scheme, null);
});

test('what an older version kept says nothing of a circuit', () => {
  const kept = `
    INSERT INTO destinations (workspace_id, webhook_id, url, scheme, scheme_learned_at, not_before)
    VALUES ('ws_1', 'wh_1', '${URL}', 'body', 5, 9)`;
  const { rows } = open({ kept });
  const known = { scheme: 'body', schemeLearnedAt: 5, notBefore: 9 };
  assert.deepEqual(rows.find(LANE, URL), { ...UNKNOWN_DESTINATION, ...known });
});

test('keeps nothing of an attempt under a former URL or secret', () => {
  const { rows, learn } = open();
  learn({ scheme: 'body' }, 1);
  assert.deepEqual(rows.find(LANE, URL), UNKNOWN_DESTINATION);
});

test('a circuit that opens and one that is answered again are in the audit log, its probes are not', () => {
  const { learn, audited } = open();
  const opened = { state: 'open', since: 1, failedProbes: 0, nextProbeAt: 6_001 } as const;
  const halfOpen = { state: 'half_open', since: 7, width: 1, widenAt: 9 } as const;
  learn({ circuit: opened });
  learn({ circuit: { ...opened, failedProbes: 1, nextProbeAt: 16_001 } });
  learn({ circuit: halfOpen });
  learn({ circuit: { state: 'closed' } });
  const entry = { actor: 'system', subject: 'wh_1', detail: `at ${URL}` };
  assert.deepEqual(audited(), [
    { ...entry, action: 'webhook.circuit_opened' },
    { ...entry, action: 'webhook.circuit_closed' },
  ]);
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
