import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runIdOf } from './event.ts';

test('the run is data.run_id where that is a text', () => {
  assert.equal(runIdOf({ run_id: 'run_1', workflow_id: 'wf' }), 'run_1');
  assert.equal(runIdOf({ run_id: '' }), '');
  for (const data of [{}, { run_id: 7 }, { run_id: null }, { run_id: ['run_1'] }, null, undefined, 'run_id', [], 7]) {
    assert.equal(runIdOf(data), null, JSON.stringify(data));
  }
});
