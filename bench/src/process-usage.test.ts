import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuSecondsOf, memoryOf, parseCpuSeconds, parseMemory } from './process-usage.ts';

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
