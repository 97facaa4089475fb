import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNKNOWN_DESTINATION, type Webhook } from '../domain/webhook.ts';
import { parseWebhookConfig } from '../domain/webhook-config.ts';
import { presentWithDestination } from './present-webhook.ts';

const URL = 'https://receiver.example/hook';
const NOW = Date.parse('2026-01-15T10:30:00.000Z');
const RULES = { allowHttp: false, addressPolicy: { refuses: () => null }, headerPrefix: 'X-Broxi-' };

function webhook(signatureScheme: string): Webhook {
  const { config } = parseWebhookConfig({ url: URL, events: ['*'], signature_scheme: signatureScheme }, RULES);
  const times = { createdAt: NOW, updatedAt: NOW, deletedAt: null };
  return { workspaceId: 'ws_1', id: 'wh_1', version: 1, revision: 1, config, secret: 'x'.repeat(16), ...times };
}

function known(changes: {
  scheme?: 'timestamped' | 'body' | null;
  notBefore?: number;
  webhookId?: string;
  url?: string;
}) {
  return {
    ...UNKNOWN_DESTINATION,
    webhookId: 'wh_1',
    url: URL,
    scheme: null,
    schemeLearnedAt: NOW - 1_000,
    notBefore: 0,
    ...changes,
  };
}

function shown(signatureScheme: string, ...all: ReturnType<typeof known>[]) {
  const { destinations, warnings } = presentWithDestination(webhook(signatureScheme), {
    standing: { holds: [], destinations: all },
    now: NOW,
  });
  return { ...destinations?.[0], warnings };
}

test('shows the signed text that the receiver takes', () => {
  assert.deepEqual(shown('auto', known({ scheme: 'timestamped' })), {
    url: URL,
    signature_scheme: 'timestamped',
    scheme_learned_at: '2026-01-15T10:29:59.000Z',
    waits_until: null,
    circuit: { state: 'closed', since: null, next_probe_at: null },
    failing_since: null,
    warnings: [],
  });
});

test('warns of one that does not protect from replays, learned or chosen', () => {
  assert.match(shown('auto', known({ scheme: 'body' })).warnings?.join() ?? '', /replayed/);
  assert.match(shown('body').warnings?.join() ?? '', /replayed/);
  assert.deepEqual(shown('timestamped', known({ scheme: 'body' })).warnings, []);
});

test('knows nothing of another URL or another webhook', () => {
  const others = [known({ scheme: 'body', url: 'https://old.example/' }), known({ scheme: 'body', webhookId: 'wh_2' })];
  assert.equal(shown('auto', ...others).signature_scheme, null);
  assert.deepEqual(shown('auto', ...others).warnings, []);
});

test('shows a pause that the receiver asked for, while it lasts', () => {
  assert.equal(shown('auto', known({ notBefore: NOW + 60_000 })).waits_until, '2026-01-15T10:31:00.000Z');
  assert.equal(shown('auto', known({ notBefore: NOW })).waits_until, null);
});
