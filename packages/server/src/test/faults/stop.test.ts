import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StopCase, stop } from './stop.ts';

const cases: StopCase[] = [{ hanging: false }, { hanging: true, second: 'SIGTERM' }];
for (const stopCase of cases) {
  test(`a stop under load loses nothing: ${JSON.stringify(stopCase)}`, async () => {
    const { breaches } = await stop({ ratePerSecond: 300, cases: [stopCase] });
    assert.deepEqual(breaches, []);
  });
}
