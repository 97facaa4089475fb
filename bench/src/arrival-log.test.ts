import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ArrivalLog, arrivalRate } from './arrival-log.ts';

test('the rate is arrivals by the time from the first to the last', () => {
  assert.equal(arrivalRate([10, 10.5, 11, 12]), 2);
  assert.throws(() => arrivalRate([10, 10]), RangeError);
  assert.throws(() => arrivalRate([]), RangeError);
});

test('each round has its own arrivals, a delivery counts once, half a line waits for its rest', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'broxi-arrivals-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'access.log');
  await writeFile(path, '1.000 - -\n1.250 del_b 70\n1.200 del_a 90\n1.300 del_a 90\n1.400 de');
  const log = new ArrivalLog(path);
  assert.deepEqual(await log.collect(2), { times: [1.2, 1.25], lengths: [70, 90], duplicates: 1 });
  await appendFile(path, 'l_c 80\n1.500 del_a 90\n');
  assert.deepEqual(await log.collect(2), { times: [1.4, 1.5], lengths: [80, 90], duplicates: 0 });
});

test('waits for what is still to come', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'broxi-arrivals-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'access.log');
  await writeFile(path, '1.000 del_a 90\n');
  const collected = new ArrivalLog(path).collect(2);
  await appendFile(path, '2.000 del_b 90\n');
  assert.deepEqual((await collected).times, [1, 2]);
});
