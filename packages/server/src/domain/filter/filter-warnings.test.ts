import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalog } from '@broxi/events';
import { filterWarnings } from './filter-warnings.ts';
import { parseFilter } from './parse-filter.ts';

function warnings(filter: unknown, types: readonly string[] = ['workflow.completed'], some = false): string[] {
  const read = parseFilter(filter, 'filters');
  assert.ok('filter' in read, JSON.stringify(read));
  return filterWarnings(read.filter, { types, base: 'filters', some });
}

test('says nothing of fields that the types have, nor of what may hold anything', () => {
  assert.deepEqual(
    warnings({
      workflow_id: 'x',
      output_contains: ['x'],
      'output.anything.below': 1,
      'input.x': 1,
      execution_time: { greater_than: 1 },
      token_usage: { greater_than: 1 },
      'token_usage.total_tokens': 3,
      'components_executed.name': 'x',
      event: 'workflow.completed',
      user_id: { exists: false, not_equals: 'x' },
    }),
    [],
  );
  assert.deepEqual(warnings({ 'error.details.file_size': 'x' }, ['workflow.failed']), []);
});

test('names a field that no type has, with the nearest that one has', () => {
  assert.deepEqual(warnings({ execution_tme: { greater_than: 1 } }), [
    'filters.execution_tme: workflow.completed never has execution_tme; did you mean execution_time?',
  ]);
  assert.match(warnings({ 'data.cost': 1 }).join(), /filters\.data\\\.cost: .*did you mean cost\?/);
  assert.match(warnings({ any: [{ not: { 'token_usage.totl_tokens': 1 } }] }).join(), /token_usage\.total_tokens\?/);
  assert.match(warnings({ 'workflow_id.x': 1 }).join(), /never has workflow_id\.x/);
});

test('names the types that do not have a field which others have', () => {
  assert.deepEqual(warnings({ output: 'x' }, ['workflow.completed', 'workflow.failed']), [
    'filters.output: workflow.failed never has output.',
  ]);
  const all = warnings({ workflow_id: 'x' }, Object.keys(catalog)).join();
  assert.match(all, /filters\.workflow_id: .+, .+, .+ and \d+ more never have workflow_id\.$/);
  assert.deepEqual(warnings({ output: 'x' }, ['workflow.completed', 'workflow.failed'], true), []);
  assert.equal(warnings({ outptu: 'x' }, ['workflow.completed', 'workflow.failed'], true).length, 1);
});

test('names a test for a kind of value that the field never is', () => {
  assert.deepEqual(warnings({ execution_time: { starts_with: '5' } }), [
    'filters.execution_time.starts_with: execution_time is never a value that starts_with can hold for.',
  ]);
  for (const filter of [
    { execution_time: '5' },
    { workflow_id: { greater_than: 1 } },
    { token_usage: 1000 },
    { components_executed: 'Chat Input' },
    { cost: { contains: 'x' } },
  ]) {
    assert.equal(warnings(filter).length, 1, JSON.stringify(filter));
  }
  assert.deepEqual(warnings({ execution_time: { not_equals: '5', exists: true } }), []);
});

test('says nothing where no type of the catalog is asked for, and never more than twenty sentences', () => {
  assert.deepEqual(warnings({ anything: 1 }, []), []);
  assert.equal(warnings(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`x${i}`, 1]))).length, 20);
});
