import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { commitOf } from './commit-of.ts';
import { ProcessGroup } from './processes.ts';

test('a file is known by the commit of its checkout, and whether that was changed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'broxi-commit-'));
  t.after(() => rm(folder, { recursive: true }));
  const group = new ProcessGroup();
  const git = (...args: string[]) => group.run({ name: 'git', file: 'git', args: ['-C', folder, ...args] }, 20_000);
  const file = join(folder, 'main.ts');
  assert.equal(await commitOf(group, file), null);
  await git('init', '--quiet');
  await writeFile(file, '1');
  await git('add', '.');
  await git('-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '--quiet', '--message', 'One');
  const commit = (await git('rev-parse', 'HEAD')).trim();
  const known = await commitOf(group, file);
  assert.ok(known !== null && known.length >= 7 && commit.startsWith(known));
  await writeFile(file, '2');
  assert.equal(await commitOf(group, file), `${known}-dirty`);
});
