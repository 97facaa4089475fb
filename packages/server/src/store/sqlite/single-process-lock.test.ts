import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { InvalidSettingError } from '../../errors.ts';
import { lockDataFolder } from './single-process-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'broxi-lock-'));
after(() => rmSync(folder, { recursive: true }));

test('is held by one at a time, and free again once it is released', () => {
  const path = join(folder, 'a.db');
  for (let round = 0; round < 3; round += 1) {
    const unlock = lockDataFolder(path);
    assert.throws(() => lockDataFolder(path), InvalidSettingError);
    assert.throws(() => lockDataFolder(path), InvalidSettingError, 'a refused one changes nothing');
    unlock();
    unlock();
  }
});

test('is of one database', () => {
  const unlock = [lockDataFolder(join(folder, 'b.db')), lockDataFolder(join(folder, 'c.db'))];
  for (const each of unlock) each();
});

test('makes the folder, and leaves the database alone', () => {
  const path = join(folder, 'new', 'folder', 'd.db');
  const unlock = lockDataFolder(path);
  assert.ok(existsSync(join(folder, 'new', 'folder')));
  assert.ok(!existsSync(path));
  unlock();
});
