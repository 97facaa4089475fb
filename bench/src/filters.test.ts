import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureFilters, reportFilters } from './filters.ts';

test('what is measured is what is said: so many webhooks, of which so many subscribe and match', async () => {
  const result = await measureFilters({ events: 5 });
  assert.deepEqual(
    result.cases.map(({ webhooks, subscribed, matched }) => [webhooks, subscribed, matched]),
    [
      [1_000, 1_000, 10],
      [10_000, 10, 1],
      [10_000, 10_000, 100],
    ],
  );
  for (const { match, publish } of result.cases) {
    assert.ok(match.ms.count > 0 && publish.ms.count === match.ms.count);
    assert.ok(match.cpuMs < 100, 'many times what a slow machine needs');
  }
  assert.match(reportFilters(result), /^ +three clauses each .*\nwebhooks +1000 /);
});
