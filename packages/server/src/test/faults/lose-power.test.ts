import assert from 'node:assert/strict';
import { test } from 'node:test';
import { losePower } from './lose-power.ts';

test('what was acknowledged outlives the loss of everything that was not synced', async () => {
  const { acknowledged, breaches } = await losePower({ kills: 1, seed: 2, ratePerSecond: 300, shortestLifeMs: 400 });
  assert.deepEqual(breaches, []);
  assert.ok(acknowledged > 20, `only ${acknowledged} were acknowledged`);
});

test('a server that answers before its sync would be found out', async () => {
  // A busy machine may send too little between the last syncs and the kill: then the next kill shows it.
  let noticed: string[] = [];
  for (let seed = 2; noticed.length === 0 && seed < 7; seed += 1) {
    const { breaches } = await losePower({ kills: 1, seed, ratePerSecond: 600, shortestLifeMs: 400, syncsEarly: 4 });
    noticed = breaches.filter((breach) => /^(lost|doubled): /.test(breach));
  }
  assert.notDeepEqual(noticed, []);
});
