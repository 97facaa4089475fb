import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { catalog } from '@broxi/events';
import { readBatchData } from '../domain/batch.ts';
import { classifyBatch } from '../domain/batch-answer.ts';
import { createAddressPolicy } from '../domain/public-address.ts';
import { parseWebhookConfig } from '../domain/webhook-config.ts';
import { createDataSchemas } from '../publish/data-schemas.ts';

/* What docs/batches.md shows is what happens. Its examples are JSON blocks that say what they are. */

const text = readFileSync(new URL('../../../../docs/batches.md', import.meta.url), 'utf8');
const example = (kind: string) => {
  const [, json = ''] = new RegExp(`^\`\`\`json ${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text) ?? [];
  return { json, value: JSON.parse(json) };
};

test('its configuration can be saved', () => {
  const addressPolicy = createAddressPolicy({ allowNetworks: [] });
  const { config, warnings } = parseWebhookConfig(example('config').value, {
    ...{ allowHttp: false, addressPolicy, headerPrefix: 'X-Broxi-' },
  });
  assert.deepEqual([config.batch, warnings], [{ size: 100, timeout: 5 }, []]);
});

test('its body is one, and its answer names one of its events', () => {
  const { data } = example('body').value;
  assert.deepEqual(createDataSchemas().checkCustom(JSON.stringify(catalog['webhook.batch'].schema), data), []);
  const ids = readBatchData(JSON.stringify(data)).members.map(({ id }) => id);
  assert.equal(ids.length, data.count);
  const { json, value } = example('answer');
  const answer = { kind: 'answered', status: 200, headers: [], body: json, truncated: false } as const;
  const outcome = classifyBatch({ kind: 'delivered' }, answer, () => ids);
  assert.partialDeepStrictEqual(outcome, { kind: 'partly_delivered', failed: value.failed });
});
