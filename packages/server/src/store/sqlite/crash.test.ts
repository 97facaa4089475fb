import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../clock.ts';
import { InvalidSettingError } from '../../errors.ts';
import { createVault } from '../vault.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { WRITER_KEY, WRITER_LANE } from './test-writer-process.ts';

const WRITER = fileURLToPath(new URL('./test-writer-process.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'broxi-crash-'));
after(() => rmSync(folder, { recursive: true }));

/** Starts a process that writes, and runs `during` once it has acknowledged so many lines. Kills it in any case. */
async function withWriter(path: string, lines: number, during: () => void = () => {}): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=source', WRITER, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  try {
    child.stdout.setEncoding('utf8');
    await new Promise<void>((resolve, reject) => {
      child.on('exit', (code) => reject(new Error(`the writer ended by itself with ${code}`)));
      child.stdout.on('data', (chunk) => {
        output += chunk;
        if (output.split('\n').length > lines) resolve();
      });
    });
    during();
  } finally {
    child.removeAllListeners('exit');
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  }
  // The last line may be cut off.
  return output.split('\n').slice(0, -1);
}

const open = (path: string) => openSqliteStore({ path, vault: createVault(WRITER_KEY), clock: systemClock });

test('what a killed process acknowledged is there, and what it had in the air waits again', async () => {
  const path = join(folder, 'killed.db');
  const recorded: string[] = [];
  const settled: string[] = [];
  for (const lines of [40, 25, 4]) {
    for (const line of await withWriter(path, lines)) {
      const [what, id = ''] = line.split(' ');
      (what === 'settled' ? settled : recorded).push(id);
    }
    const store = open(path);
    const due = { lane: WRITER_LANE, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 10_000 } as const;
    const waiting = (await store.readDue(due)).map(({ id }) => id);
    for (const id of recorded) {
      const delivery = await store.getDelivery(WRITER_LANE.workspaceId, id);
      assert.ok(delivery, `${id} is there`);
      if (settled.includes(id)) assert.equal(delivery.state, 'delivered');
      assert.equal(waiting.includes(id), delivery.state === 'pending');
      const attempts = await store.listAttempts(WRITER_LANE.workspaceId, id);
      assert.equal(attempts.length, delivery.state === 'pending' ? 0 : 1);
    }
    assert.deepEqual(await store.sweep(), [WRITER_LANE]);
    await store.close();
  }
  assert.ok(recorded.length > 40 && settled.length > 10, 'it wrote');
  const database = new DatabaseSync(path);
  assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  database.close();
});

test('while a process runs on a database nobody else opens it; once it is killed anybody may', async () => {
  const path = join(folder, 'locked.db');
  await withWriter(path, 1, () => {
    assert.throws(
      () => open(path),
      (error) => {
        assert.ok(error instanceof InvalidSettingError);
        assert.match(error.message, /^BROXI_DATABASE_URL: another server is running on \S+locked\.db\. [^\n]+$/);
        return true;
      },
    );
  });
  await open(path).close();
});
