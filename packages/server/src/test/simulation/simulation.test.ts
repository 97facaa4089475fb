import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderRun, runSeeds } from './run-seeds.ts';
import { Simulation } from './simulation.ts';

test('two thousand seeds keep every promise, and come across every state', async () => {
  const run = await runSeeds({ from: 1, count: 2_000, most: 1 });
  assert.equal(run.failed.length, 0, renderRun(run));
  assert.deepEqual(run.reached.missing, []);
});

test('a seed does the same again', async () => {
  for (const seed of [4, 44, 110]) {
    const [first, second] = [await new Simulation(seed).run(), await new Simulation(seed).run()];
    assert.ok(first.trace.length > 20, `${first.trace.length} lines`);
    assert.deepEqual(second.trace, first.trace);
    assert.equal(second.steps, first.steps);
  }
});
