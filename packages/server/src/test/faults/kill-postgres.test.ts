import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ThrowawayPostgres } from '../postgres/throwaway-postgres.ts';
import { runCrashLoop } from './crash-loop.ts';

test('what was acknowledged outlives kill -9 of servers that share PostgreSQL, and of PostgreSQL itself', async () => {
  const postgres = await ThrowawayPostgres.start();
  let restarting = Promise.resolve();
  let downs = 0;
  try {
    const report = await runCrashLoop({
      ...{ kills: 3, seed: 7, ratePerSecond: 200, processes: 2, shortestLifeMs: 200 },
      databaseUrl: await postgres.createDatabase(),
      env: { BROXI_ENCRYPTION_KEY: randomBytes(32).toString('base64') },
      whileDown() {
        downs += 1;
        if (downs !== 2) return;
        restarting = postgres.halt('immediate').then(() => postgres.resume());
      },
    });
    assert.deepEqual(report.breaches, []);
    assert.ok(report.acknowledged > 50, `only ${report.acknowledged} were acknowledged`);
  } finally {
    await restarting;
    await postgres.stop();
  }
});
