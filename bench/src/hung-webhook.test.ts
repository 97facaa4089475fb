import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HungWebhook } from './hung-webhook.ts';
import { ProcessGroup } from './processes.ts';
import { newApiKey, startServer } from './start-system.ts';
import { readCounters } from './system.ts';

const entry = fileURLToPath(new URL('../../packages/server/src/cli/main.ts', import.meta.url));

test('with a closed circuit each round has its own attempts, and nothing is in the air between', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'broxi-hung-'));
  const group = new ProcessGroup();
  t.after(async () => {
    await group.stopAll();
    await rm(directory, { recursive: true });
  });
  const system = await startServer(group, { entry, directory, apiKey: newApiKey() });
  const hung = await HungWebhook.create(group, system, { circuit: 'closed', backlog: 100, slots: 10 });
  for (const pending of [100, 90]) {
    const round = await hung.during(async (keptBack) => keptBack);
    assert.deepEqual(round, {
      result: pending,
      hung: { inTheAirAtStart: 10, inTheAirAtEnd: 10, started: 0, timedOut: 0, pending },
    });
    assert.equal((await readCounters(system)).pending, pending - 10);
  }
});
