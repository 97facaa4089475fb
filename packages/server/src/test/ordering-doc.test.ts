import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createAddressPolicy } from '../domain/public-address.ts';
import { parseWebhookConfig } from '../domain/webhook-config.ts';

test('the configuration that docs/ordering.md shows can be saved, without a warning', () => {
  const text = readFileSync(new URL('../../../../docs/ordering.md', import.meta.url), 'utf8');
  const [, shown = ''] = /```json config\n([\s\S]*?)```/.exec(text) ?? [];
  const addressPolicy = createAddressPolicy({ allowNetworks: [] });
  const rules = { allowHttp: false, addressPolicy, headerPrefix: 'X-Broxi-' };
  const { config, warnings } = parseWebhookConfig(JSON.parse(shown), rules);
  assert.deepEqual([config.ordering, warnings], [{ by: 'run', on_exhausted: 'block' }, []]);
});
