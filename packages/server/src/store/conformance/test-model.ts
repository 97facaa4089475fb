import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { StoreHarness } from './harness.ts';
import { type Action, ModelRun, RUNS } from './model-run.ts';

const index = fc.nat({ max: 1_000 });
const lane = fc.nat({ max: 2 });
const deliveryClass = fc.constantFrom(0, 1, 2);
const run = fc.constantFrom(null, ...RUNS);
/** Ids in any order, so that none comes out right by chance. */
const salt = fc.constantFrom('a', 'b', 'c', 'd');

export const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('record'), lanes: fc.uniqueArray(lane, { minLength: 1 }), run, salt }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('read'), lane, class: deliveryClass, limit: fc.nat({ max: 4 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('settle'),
      handle: index,
      state: fc.constantFrom('delivered', 'failed', 'pending', 'pending'),
      mark: fc.constantFrom(null, null, 'uncharged', 'atFallback'),
      delayMs: fc.nat({ max: 20 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel'), delivery: index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancelLane'), lane, limit: fc.nat({ max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('requeue'), delivery: index }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('replay'), delivery: index, salt }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('step'), ms: fc.nat({ max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
);

/** Any sequence of writes does to a store what it does to a list in memory. */
export function testModel(harness: StoreHarness): void {
  describe('model', () => {
    it('does what the model does, whatever happens in whatever order', async () => {
      const seen = new Map<string, number>();
      const actions = fc.array(action, { minLength: 10, maxLength: 60, size: 'max' });
      await fc.assert(
        fc.asyncProperty(actions, async (steps) => {
          const run = await ModelRun.begin(harness);
          try {
            for (const step of steps) {
              const outcome = await run.perform(step);
              seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
              await run.compare();
            }
            // Also what seemed to be as it was.
            await run.perform({ kind: 'reopen' });
            await run.compare();
          } finally {
            await run.end();
          }
        }),
        { numRuns: 40, interruptAfterTimeLimit: 240_000, markInterruptAsFailure: true },
      );
      for (const outcome of [
        'settle',
        'settle refused',
        'cancel',
        'cancelLane',
        'requeue',
        'requeue refused',
        'replay',
      ]) {
        assert.ok((seen.get(outcome) ?? 0) > 5, `${outcome} was tried`);
      }
    });
  });
}
