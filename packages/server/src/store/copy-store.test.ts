import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type MovingStore, openMoving } from '../test/postgres/moving-harness.ts';
import { ThrowawayPostgres } from '../test/postgres/throwaway-postgres.ts';
import type { StoreHarness } from './conformance/harness.ts';
import { ModelRun } from './conformance/model-run.ts';
import { testBackfill } from './conformance/test-backfill.ts';
import { testBatches } from './conformance/test-batches.ts';
import { testDurability } from './conformance/test-durability.ts';
import { testJobs } from './conformance/test-jobs.ts';
import { action } from './conformance/test-model.ts';
import { testReadTokens } from './conformance/test-read-tokens.ts';
import { testRetention } from './conformance/test-retention.ts';
import { testRetryJobs } from './conformance/test-retry-jobs.ts';

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

// What outlives a restart outlives a move: what is opened again here is a copy of what was there.
describe('a store that moves from SQLite to PostgreSQL', () => {
  const harness: StoreHarness = { open: (clock) => openMoving(postgres, clock) };
  testDurability(harness);
  testBatches(harness);
  testReadTokens(harness);
  testJobs(harness);
  testRetryJobs(harness);
  testBackfill(harness);
  testRetention(harness);

  it('is what the model is, whatever happened between one copy of its history and the next', async () => {
    const actions = fc.array(action, { minLength: 1, maxLength: 25, size: 'max' });
    const between = fc.array(actions, { minLength: 1, maxLength: 4, size: 'max' });
    await fc.assert(
      fc.asyncProperty(between, actions, async (before, afterwards) => {
        const opened = Promise.withResolvers<MovingStore>();
        const run = await ModelRun.begin({
          async open(clock) {
            const moving = await openMoving(postgres, clock);
            opened.resolve(moving);
            return moving;
          },
        });
        const moving = await opened.promise;
        try {
          for (const steps of before) {
            // Opened again it would be on PostgreSQL.
            for (const step of steps) if (step.kind !== 'reopen') await run.perform(step);
            await moving.copyHistory();
          }
          await moving.reopen();
          await run.compare();
          for (const step of afterwards) await run.perform(step);
          await run.compare();
        } finally {
          await run.end();
        }
      }),
      { numRuns: 40, interruptAfterTimeLimit: 240_000, markInterruptAsFailure: true },
    );
  });
});
