import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Writable } from 'node:stream';
import { copyDatabase } from '../../cli/copy.ts';
import type { Clock } from '../../clock.ts';
import type { OpenedStore } from '../../store/conformance/harness.ts';
import { copyHistory, copyLeft } from '../../store/copy-store.ts';
import { PostgresCopyTarget } from '../../store/postgres/copy-target.ts';
import { openPostgresReader, openPostgresStore } from '../../store/postgres/open-postgres-store.ts';
import { openCopySource } from '../../store/sqlite/copy-source.ts';
import { openSqliteReader, openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import type { ReadStore, Store } from '../../store/store.ts';
import { createVault } from '../../store/vault.ts';
import type { ThrowawayPostgres } from './throwaway-postgres.ts';

/** Nobody reads what a copy says of itself here. */
export const NOWHERE = new Writable({ write: (_chunk, _encoding, done) => done() });

/** A store on a file, which is on PostgreSQL from its first reopening on. */
export interface MovingStore extends OpenedStore {
  readonly path: string;
  readonly url: string;
  /** Copies what is final by now, while the store is open; nothing once it has moved. */
  copyHistory(): Promise<void>;
}

/** Also copies what is final whenever a workspace is added, so that a test finds a part of what came before it copied. */
export async function openMoving(postgres: ThrowawayPostgres, clock: Clock): Promise<MovingStore> {
  const folder = mkdtempSync(join(tmpdir(), 'broxi-moving-'));
  const path = join(folder, 'broxi.db');
  const url = await postgres.createDatabase();
  const encryptionKey = randomBytes(32);
  const vault = createVault(encryptionKey);
  let hasMoved = false;
  let store: Store;
  let reader: ReadStore;
  const open = async () => {
    store = hasMoved
      ? await openPostgresStore({ url, vault, clock, lingerMs: 0 })
      : openSqliteStore({ path, vault, clock });
    reader = hasMoved ? openPostgresReader({ url, vault }) : openSqliteReader({ path, vault });
  };
  const end = async () => {
    await reader.close();
    await store.close();
  };
  const addWorkspace = async (id: string) => {
    const added = `INSERT INTO ${hasMoved ? 'broxi.' : ''}workspaces (id, name) VALUES ('${id}', 'test')`;
    if (hasMoved) await postgres.query(added, url);
    else {
      const beside = new DatabaseSync(path, { timeout: 5_000 });
      beside.exec(added);
      beside.close();
    }
  };
  const copyFinal = async () => {
    if (hasMoved) return;
    const source = openCopySource({ path, isAlone: false });
    const target = await PostgresCopyTarget.open({ url, sourceId: source.id, since: source.since, isKnown: false });
    await copyHistory({ source, target });
    await copyLeft({ source, target });
    await target.close();
    source.close();
  };
  await open();
  // Every installation has one, from its first start on; it tells the source from others.
  await addWorkspace('ws_');
  return {
    path,
    url,
    get store() {
      return store;
    },
    get reader() {
      return reader;
    },
    async addWorkspace(id) {
      await copyFinal();
      await addWorkspace(id);
    },
    copyHistory: copyFinal,
    async reopen() {
      await end();
      if (!hasMoved) {
        const flags = { from: `sqlite:${path}`, to: url, encryptionKey: encryptionKey.toString('base64') };
        await copyDatabase(flags, { out: NOWHERE });
        hasMoved = true;
      }
      await open();
    },
    async close() {
      await end();
      await postgres.dropDatabase(url);
      rmSync(folder, { recursive: true });
    },
  };
}
