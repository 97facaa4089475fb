import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidSettingError } from '../../errors.ts';
import { createFakeClock } from '../../test/fake-clock.ts';
import { unavailable } from './errors.ts';
import { whenAvailable } from './when-available.ts';

test('tries again every second, and says why once, and again when that changes', async () => {
  const clock = createFakeClock();
  const reasons: string[] = [];
  const refused = () => unavailable('it cannot be reached', new Error('connect ECONNREFUSED 127.0.0.1:5432'));
  const both = new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('and 127.0.0.1')]);
  const failures = [refused(), refused(), unavailable('it cannot be reached', both)];
  const opened = whenAvailable(
    async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return 'open';
    },
    { clock, onWait: (reason) => reasons.push(reason) },
  );
  await clock.advance(2_999);
  assert.equal(failures.length, 0);
  await clock.advance(1);
  assert.equal(await opened, 'open');
  assert.deepEqual(reasons, ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED ::1:5432']);
});

test('does not wait for what nothing but another setting helps against', async () => {
  const wrong = new InvalidSettingError('wrong password');
  const opening = whenAvailable(() => Promise.reject(wrong), { clock: createFakeClock(), onWait: assert.fail });
  await assert.rejects(opening, wrong);
});
