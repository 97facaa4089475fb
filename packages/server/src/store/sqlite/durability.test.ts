import assert from 'node:assert/strict';
import fs, { type BigIntStats } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createFakeClock } from '../../test/fake-clock.ts';
import { plannedEvent, submission } from '../conformance/samples.ts';
import { createVault } from '../vault.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { openWalSync } from './wal-sync.ts';

const LANE = { workspaceId: 'ws_1', webhookId: 'wh_1' };
const ALL = { lane: LANE, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 9 } as const;

/** A disk whose syncs end when the test says so. */
function openOnSlowDisk(t: TestContext) {
  const folder = fs.mkdtempSync(join(tmpdir(), 'broxi-durability-'));
  const path = join(folder, 'broxi.db');
  const syncs: { file: BigIntStats; end: () => void }[] = [];
  const fdatasync = t.mock.method(fs, 'fdatasync', (file: number, done: fs.NoParamCallback) => {
    syncs.push({ file: fs.fstatSync(file, { bigint: true }), end: () => done(null) });
  });
  syncBuiltinESMExports();
  t.after(() => {
    fdatasync.mock.restore();
    syncBuiltinESMExports();
    fs.rmSync(folder, { recursive: true });
  });
  const clock = createFakeClock();
  const store = openSqliteStore({ path, vault: createVault(Buffer.alloc(32)), clock, lingerMs: 0 });
  return { path, clock, store, syncs };
}

test('nothing is acknowledged, counted, told or sent before the log is on disk', async (t) => {
  const { path, clock, store, syncs } = openOnSlowDisk(t);
  const heard: unknown[] = [];
  store.onWake((wakes) => heard.push(...wakes));
  let acknowledged = false;
  const planned = plannedEvent([LANE]);
  const deliveries = planned.deliveries.map((delivery) => ({ ...delivery, run: 'run_1' }));
  const recording = store.record(submission([{ ...planned, deliveries }])).then(() => {
    acknowledged = true;
  });
  await clock.advance(1_000);
  assert.equal(syncs.length, 1);
  assert.equal(syncs[0]?.file.ino, fs.statSync(`${path}-wal`, { bigint: true }).ino, 'it is the log that is synced');
  assert.equal(acknowledged, false);
  assert.deepEqual(heard, []);
  const found = async () => [
    await store.readDue(ALL),
    (await store.readHeads({ ...ALL, onExhausted: 'block' })).heads,
    await store.headsOf({ ...ALL, runs: ['run_1'], onExhausted: 'block' }),
  ];
  assert.deepEqual(await found(), [[], [], []]);
  assert.equal((await store.counters()).eventsAccepted, 0);
  syncs[0]?.end();
  await recording;
  await clock.advance(0);
  assert.equal(heard.length, 1);
  assert.deepEqual(
    (await found()).map((deliveries) => deliveries.length),
    [1, 1, 1],
  );
  assert.equal((await store.counters()).eventsAccepted, 1);
  await store.close();
});

test('closing waits for the disk', async (t) => {
  const { store, syncs, clock } = openOnSlowDisk(t);
  const recording = store.record(submission([plannedEvent([LANE])]));
  let closed = false;
  const closing = store.close().then(() => {
    closed = true;
  });
  await clock.advance(1_000);
  assert.equal(closed, false);
  syncs[0]?.end();
  await Promise.all([recording, closing]);
});

test('a sync of a log that is gone fails', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'broxi-durability-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const path = join(folder, 'broxi.db');
  assert.throws(() => openWalSync(path), { code: 'ENOENT' });
  fs.writeFileSync(`${path}-wal`, '');
  const walSync = openWalSync(path);
  await walSync.sync();
  walSync.close();
  await assert.rejects(walSync.sync(), { code: 'EBADF' });
});
