import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  cpuSecondsOf,
  cpuSecondsOfFamily,
  memoryOf,
  parseCpuSeconds,
  parseCpuSecondsWithEnded,
  parseMemory,
} from './process-usage.ts';

test('CPU seconds are user and kernel time, also behind a name with brackets', () => {
  assert.equal(parseCpuSeconds('7 (a (b) c) S 1 7 7 0 -1 4194304 11 12 13 14 250 50 9 9 20 0 7 0'), 3);
});

test('memory is in bytes', () => {
  assert.deepEqual(parseMemory('Name:\tnode\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n'), {
    rss: 1_048_576,
    peak: 2_097_152,
  });
  assert.throws(() => parseMemory('Name:\tnode\nState:\tZ (zombie)\n'), /VmRSS/);
});

test('a running process agrees with what Node says of itself', async () => {
  const before = await cpuSecondsOf(process.pid);
  const own = process.cpuUsage();
  // The kernel counts in ticks of 10 ms for each of the two figures.
  assert.ok(Math.abs(before - (own.user + own.system) / 1e6) < 0.1);
  const memory = await memoryOf(process.pid);
  assert.ok(memory.peak >= memory.rss);
  assert.ok(memory.rss > 10_000_000);
});

test('a family is a process, its children, and those that have ended', async () => {
  assert.equal(parseCpuSecondsWithEnded('7 (a (b) c) S 1 7 7 0 -1 4194304 11 12 13 14 250 50 100 200 20 0 7 0'), 6);
  const parent = spawn(process.execPath, ['-e', FAMILY], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(parent.stdout, 'data');
    const pid = parent.pid ?? 0;
    // The parent waits; one child has worked and ended, the other works.
    assert.ok((await cpuSecondsOfFamily(pid)) - (await cpuSecondsOf(pid)) >= 0.58);
  } finally {
    parent.stdout.destroy();
    parent.kill('SIGTERM');
    await once(parent, 'exit');
  }
});

const BUSY = 'while (process.cpuUsage().user < 300_000);';
const FAMILY = `
  const { spawn, spawnSync } = require('node:child_process');
  spawnSync(process.execPath, ['-e', ${JSON.stringify(BUSY)}]);
  const child = spawn(process.execPath, ['-e', ${JSON.stringify(`${BUSY} console.log('worked'); setInterval(() => {}, 1000);`)}]);
  child.stdout.once('data', () => console.log('both worked'));
  process.on('SIGTERM', () => { child.kill('SIGKILL'); process.exit(); });
`;
