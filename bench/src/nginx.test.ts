import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findTool } from './find-tool.ts';
import { startNginx } from './nginx.ts';
import { ProcessGroup } from './processes.ts';

const nginx = findTool('nginx');

test('answers 204 and logs each delivery once', { skip: nginx === null && 'nginx is not installed' }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'broxi nginx-'));
  const group = new ProcessGroup();
  t.after(async () => {
    await group.stopAll();
    await rm(directory, { recursive: true });
  });
  const receiver = await startNginx(group, nginx ?? '', join(directory, 'receiver'));
  const post = (headers: Record<string, string>) =>
    fetch(`${receiver.origin}/hook`, { method: 'POST', headers, body: 'x'.repeat(100_000) });
  assert.equal((await post({ 'x-broxi-delivery-id': 'del_1' })).status, 204);
  assert.equal((await post({ 'x-broxi-delivery-id': 'del_1' })).status, 204);
  assert.equal((await post({ 'x-broxi-delivery-id': 'del_2' })).status, 204);
  assert.equal((await post({})).status, 204);
  const { times, lengths, duplicates } = await receiver.arrivals.collect(2);
  assert.equal(times.length, 2);
  assert.deepEqual(lengths, [100_000, 100_000]);
  assert.equal(duplicates, 1);
  assert.ok(Math.abs((times[0] ?? 0) * 1000 - Date.now()) < 60_000);
});
