import assert from 'node:assert/strict';
import { test } from 'node:test';
import { losePower } from './lose-power.ts';

test('what was acknowledged outlives the loss of everything that was not synced', async () => {
  const { acknowledged, breaches } = await losePower({ kills: 1, seed: 2, ratePerSecond: 300, shortestLifeMs: 400 });
  assert.deepEqual(breaches, []);
  assert.ok(acknowledged > 20, `only ${acknowledged} were acknowledged`);
});

test('a server that answers before its sync would be found out', async () => {
  const { breaches } = await losePower({ kills: 1, seed: 2, ratePerSecond: 600, shortestLifeMs: 400, syncsEarly: 4 });
  assert.ok(
    breaches.some((breach) => /^(lost|doubled): /.test(breach)),
    'nothing was noticed',
  );
});
