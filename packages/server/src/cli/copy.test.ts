import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Writable } from 'node:stream';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../clock.ts';
import { InvalidSettingError, StoreUnavailableError } from '../errors.ts';
import { furnishWorkspace, NAMES } from '../store/conformance/furnish-workspace.ts';
import { plannedEvent, submission } from '../store/conformance/samples.ts';
import { viewHistory } from '../store/conformance/view-workspace.ts';
import { copyHistory, copyRest } from '../store/copy-store.ts';
import { PostgresCopyTarget } from '../store/postgres/copy-target.ts';
import { openPostgresReader, openPostgresStore } from '../store/postgres/open-postgres-store.ts';
import { openCopySource } from '../store/sqlite/copy-source.ts';
import { openSqliteReader, openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { createVault } from '../store/vault.ts';
import { startCopy } from '../test/faults/copy-process.ts';
import { ThrowawayPostgres } from '../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../test/wait-until.ts';
import { type CopyFlags, copyDatabase } from './copy.ts';

const KEY = Buffer.alloc(32, 7);
const WORKSPACE = 'ws_000001';
const clock = systemClock;
const vault = createVault(KEY);

describe('copy', () => {
  let postgres: ThrowawayPostgres;
  let folder: string;
  let path: string;
  let url: string;
  before(async () => {
    postgres = await ThrowawayPostgres.start();
  });
  after(() => postgres.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'broxi-copy-'));
    path = join(folder, 'broxi.db');
    url = await postgres.createDatabase();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A file that a server with its key beside it wrote. */
  const furnish = async () => {
    writeFileSync(`${path}.key`, KEY.toString('base64'));
    const store = openSqliteStore({ path, vault, clock });
    await store.ensureWorkspace({ id: WORKSPACE, name: 'default' });
    await furnishWorkspace(store, WORKSPACE);
    return store;
  };
  const listener = () => {
    let text = '';
    const out = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    });
    return { out, said: () => text };
  };
  /** @returns what it said */
  const copy = async (changes: CopyFlags = {}) => {
    const { out, said } = listener();
    await copyDatabase({ from: `sqlite:${path}`, to: url, ...changes }, { out });
    return said();
  };
  const refused = (expected: RegExp, changes?: CopyFlags) =>
    assert.rejects(copy(changes), (error: unknown) => {
      assert.ok(error instanceof InvalidSettingError, String(error));
      assert.match(error.message, expected);
      return true;
    });
  const view = async (at: { path: string } | { url: string }) => {
    const reader = 'path' in at ? openSqliteReader({ ...at, vault }) : openPostgresReader({ ...at, vault });
    const seen = await viewHistory(reader, WORKSPACE, NAMES);
    await reader.close();
    return seen;
  };

  it('moves everything, says how to go on, and leaves a file that no server starts on', async () => {
    await (await furnish()).close();
    const expected = await view({ path });
    const said = await copy();
    assert.match(said, /^Done: 4 events, 10 deliveries, 6 attempts: \d+ rows in /m);
    assert.ok(said.includes(`BROXI_ENCRYPTION_KEY=$(cat ${path}.key)`), said);
    assert.doesNotMatch(said, new RegExp(KEY.toString('base64')));
    assert.deepEqual(await view({ url }), expected);
    assert.throws(
      () => openSqliteStore({ path, vault, clock }),
      ({ message }: Error) =>
        message.includes(`was moved to postgres://${new URL(url).host}${new URL(url).pathname} on `),
    );
    await (await openPostgresStore({ url, vault, clock })).close();
    assert.match(await copy(), /^Everything is in postgres:.* already\./);
    await refused(/holds no copy of this one/, { to: await postgres.createDatabase() });
  });

  it('waits for a server that runs to stop, having copied what it could', async () => {
    const store = await furnish();
    const { out, said } = listener();
    const copying = copyDatabase({ from: `sqlite:${path}`, to: url }, { out });
    await waitUntil('it asks for a stop', () => said().includes('Now stop the server on '), 10_000);
    assert.match(said(), /^History is copied: 4 events, 3 deliveries, /m);
    assert.match(said(), / with 7 deliveries of which more may become/);
    await assert.rejects(openPostgresStore({ url, vault, clock }), /Run broxi-webhooks copy again until it says/);
    const cancelled = { lane: { workspaceId: WORKSPACE, webhookId: NAMES.webhookId }, limit: 1, reason: 'late' };
    assert.equal(await store.cancel({ ...cancelled, deliveryId: 'del_retry' }), 1);
    const expected = await view({ path });
    await store.close();
    await copying;
    assert.match(said(), /^Done: 4 events, 10 deliveries, 6 attempts: /m);
    assert.deepEqual(await view({ url }), expected);
  });

  it('is finished by another one if it ends between the mark and the commit, when no server starts on either', async () => {
    await (await furnish()).close();
    const expected = await view({ path });
    const source = openCopySource({ path, isAlone: true });
    const target = await PostgresCopyTarget.open({ url, sourceId: source.id, since: source.since, isKnown: false });
    const settle = () => {
      source.markAsMoved({ place: 'postgres://db.example/broxi', at: clock.now() });
      assert.fail('killed');
    };
    await copyHistory({ source, target });
    await assert.rejects(copyRest({ source, target, settle }), /killed/);
    await target.close();
    source.close();
    assert.throws(() => openSqliteStore({ path, vault, clock }), /was moved to postgres:/);
    await assert.rejects(openPostgresStore({ url, vault, clock }), /is being copied into/);
    assert.match(await copy(), /^Done: /m);
    assert.deepEqual(await view({ url }), expected);
  });

  it('says that the target is away, why, and that nothing is lost by that', async () => {
    await (await furnish()).close();
    await assert.rejects(copy({ to: 'postgres://nobody@127.0.0.1:1/broxi' }), (error: unknown) => {
      assert.ok(error instanceof StoreUnavailableError, String(error));
      assert.match(
        error.message,
        /^postgres:\/\/127\.0\.0\.1:1\/broxi is not there: .*ECONNREFUSED.* goes on where it was\.$/,
      );
      return true;
    });
  });

  it('refuses addresses that are none, and a file that is none', async () => {
    await refused(/^--from is not acceptable: expected sqlite:/, { from: 'postgres://db/broxi' });
    await refused(/^--from: there is no database .*nowhere/, { from: `sqlite:${folder}/nowhere/broxi.db` });
    assert.ok(!existsSync(join(folder, 'nowhere')), 'nothing is made');
    await (await furnish()).close();
    await refused(/^--to is not acceptable: expected postgres:/, { to: `sqlite:${folder}/other.db` });
    await assert.rejects(copyDatabase({ from: `sqlite:${path}` }), /^InvalidSettingError: --to is missing/);
    await refused(/is not a setting|cannot be read/, { config: join(folder, 'none.json') });
  });

  it('refuses a file that no server was started on', async () => {
    await openSqliteStore({ path, vault, clock }).close();
    await refused(/^There is nothing in .* to copy/, { encryptionKey: KEY.toString('base64') });
  });

  it('refuses a running server of another version', async () => {
    const store = await furnish();
    const beside = new DatabaseSync(path);
    beside.exec('PRAGMA user_version = 1');
    beside.close();
    await refused(/^The server that is running on .* is of another version \(schema 1, and /);
    await store.close();
  });

  it('refuses another encryption key than the one that the file was written with', async () => {
    await (await furnish()).close();
    const other = Buffer.alloc(32, 8).toString('base64');
    await refused(/^BROXI_ENCRYPTION_KEY is not the key that .* was written with\. That is in .*\.key, and stays/, {
      encryptionKey: other,
    });
    rmSync(`${path}.key`);
    await refused(/^BROXI_ENCRYPTION_KEY is not the key that this database was written with/, { encryptionKey: other });
    await refused(/^BROXI_ENCRYPTION_KEY is not set and /);
    assert.match(await copy({ encryptionKey: KEY.toString('base64') }), /^ {2}export BROXI_ENCRYPTION_KEY=…/m);
  });

  it('refuses a database that a server was started on', async () => {
    await (await furnish()).close();
    const store = await openPostgresStore({ url, vault, clock });
    await refused(/^A server was started on that database before/);
    await store.ensureWorkspace({ id: 'ws_2', name: 'default' });
    await store.close();
    const alone = startCopy(folder, url);
    assert.equal(await alone.ended, 2);
    assert.match(alone.output(), /^broxi-webhooks: A server was started on that database before.*\n$/);
    await openSqliteStore({ path, vault, clock }).close();
  });

  it('refuses a database with a copy of another file, and a file that is behind its copy', async () => {
    await (await furnish()).close();
    copyFileSync(path, `${path}.backup`);
    const store = openSqliteStore({ path, vault, clock });
    await store.record(submission([plannedEvent([{ workspaceId: WORKSPACE, webhookId: NAMES.webhookId }])]));
    await store.close();
    await copy();
    await postgres.query('UPDATE broxi.copies SET finished_at = NULL; DELETE FROM broxi.workspaces', url);
    copyFileSync(`${path}.backup`, path);
    await refused(/was it put back from a backup\?/);
    const other = new DatabaseSync(path);
    other.exec("UPDATE workspaces SET id = 'ws_other'");
    other.close();
    await refused(/holds a copy of another one/);
  });
});
