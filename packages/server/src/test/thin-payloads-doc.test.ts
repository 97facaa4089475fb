import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { catalog, subscriptionMatches } from '@broxi/events';
import { deliveryBody } from '../domain/delivery-body.ts';
import { createAddressPolicy } from '../domain/public-address.ts';
import { parseWebhookConfig } from '../domain/webhook-config.ts';

/* What docs/thin-payloads.md shows is what happens. */

const text = readFileSync(new URL('../../../../docs/thin-payloads.md', import.meta.url), 'utf8');
const block = (kind: string) => JSON.parse(new RegExp(`\`\`\`json ${kind}\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? '');

test('its configuration can be saved, without a warning', () => {
  const addressPolicy = createAddressPolicy({ allowNetworks: [] });
  const rules = { allowHttp: false, addressPolicy, headerPrefix: 'X-Broxi-' };
  const { config, warnings } = parseWebhookConfig(block('config'), rules);
  assert.deepEqual([config.payload, warnings], ['thin', []]);
});

test('its body is what is sent', () => {
  const shown = block('body');
  const dataText = JSON.stringify(catalog['workflow.completed'].sample);
  const event = { type: shown.event, occurredAt: Date.parse(shown.timestamp), dataText };
  const sent = { webhookId: shown.webhook_id, deliveryId: shown.delivery_id, event, payload: 'thin' } as const;
  assert.equal(deliveryBody(sent), JSON.stringify(shown));
});

test('its table has the identifiers of every type', () => {
  const rows = [...text.matchAll(/^\| (`.*?)\s*\| (.*?)\s*\|$/gm)].map(([, types, identifiers]) => ({
    types: namesIn(types),
    identifiers: namesIn(identifiers?.replace(/^none.*/, '')),
  }));
  for (const [type, { identifiers }] of Object.entries(catalog)) {
    // Its events carry thin bodies of their own.
    if (type === 'webhook.batch') continue;
    const row = rows.find(({ types }) => types.some((name) => name === type || subscriptionMatches(name, type)));
    assert.deepEqual(row?.identifiers, identifiers, type);
  }
});

function namesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([\w.*]+)`/g)].map(([, name = '']) => name);
}
