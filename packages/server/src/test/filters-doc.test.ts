import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileFilter } from '../domain/filter/compile-filter.ts';
import { OPERATORS } from '../domain/filter/filter.ts';
import { createExplainer } from '../domain/filter/matcher.ts';
import { parseFilter } from '../domain/filter/parse-filter.ts';
import { createAddressPolicy } from '../domain/public-address.ts';
import { parseWebhookConfig } from '../domain/webhook-config.ts';
import { presentFailedTests } from '../http/present-failed-test.ts';

/* What docs/filters.md shows is what happens. Its examples are JSON blocks that say what they are. */

const text = readFileSync(new URL('../../../../docs/filters.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```json (\w+)\n([\s\S]*?)^```$/gm)].map(([, kind, json = '']) => ({
  kind,
  json,
  value: JSON.parse(json),
}));
const rules = { allowHttp: false, addressPolicy: createAddressPolicy({ allowNetworks: [] }), headerPrefix: 'X-Broxi-' };

test('every block says what it is', () => {
  assert.equal(blocks.length * 2, text.match(/^```/gm)?.length);
  const kinds = new Set(blocks.map(({ kind }) => kind));
  assert.deepEqual(kinds, new Set(['config', 'filter', 'holds', 'fails', 'test', 'answer']));
});

test('its configurations can be saved, without a warning', () => {
  const configs = blocks.filter(({ kind }) => kind === 'config');
  assert.equal(configs.length, 2);
  for (const { value } of configs) {
    const { config, warnings } = parseWebhookConfig(value, rules);
    assert.deepEqual(warnings, []);
    for (const name of ['filters', 'conditions'] as const) assert.deepEqual(config[name], value[name] ?? null);
  }
});

test('its filters hold for what it says, and fail for what it says', () => {
  let holds: ReturnType<typeof compileFilter> | undefined;
  let checked = 0;
  for (const { kind, json, value } of blocks) {
    if (kind === 'filter') {
      const read = parseFilter(value, 'filters');
      assert.ok('filter' in read, json);
      holds = compileFilter(read.filter);
    } else if (kind === 'holds' || kind === 'fails') {
      assert.equal(holds?.({ event: 'workflow.completed', data: value }), kind === 'holds', json);
      checked += 1;
    }
  }
  assert.ok(checked >= 12, String(checked));
});

test('a test of it is answered as it says', () => {
  const [{ value: body }, { value: answer }] = [
    blocks.find(({ kind }) => kind === 'test') ?? assert.fail(),
    blocks.find(({ kind }) => kind === 'answer') ?? assert.fail(),
  ];
  const explain = createExplainer({ filters: body.filters, conditions: null, routes: null });
  assert.deepEqual(presentFailedTests(explain({ event: body.event, data: body.data }).failed), [answer]);
});

test('its table has every operator', () => {
  const table = text.split('\n').filter((line) => line.startsWith('| `'));
  for (const operator of OPERATORS)
    assert.ok(
      table.some((line) => line.includes(`\`${operator}\``)),
      operator,
    );
});
