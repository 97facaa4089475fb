import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../clock.ts';
import type { OpenedStore } from '../../store/conformance/harness.ts';
import { openPostgresReader, openPostgresStore } from '../../store/postgres/open-postgres-store.ts';
import type { ReadStore, Store } from '../../store/store.ts';
import { createVault } from '../../store/vault.ts';
import type { ThrowawayPostgres } from './throwaway-postgres.ts';

/** A store on a database of its own. */
export interface OpenedPostgres extends OpenedStore {
  readonly url: string;
  query<Row extends object>(text: string): Promise<Row[]>;
}

const ROOM = /^(events|deliveries|attempts|webhook_versions|event_types|jobs|audit_log|queue|destinations)$/;

/** An empty store, of which the others are copies: that is faster than to make all of its tables again. */
const templates = new WeakMap<ThrowawayPostgres, Promise<string>>();

async function makeTemplate(postgres: ThrowawayPostgres): Promise<string> {
  const url = await postgres.createDatabase();
  const store = await openPostgresStore({ url, vault: createVault(randomBytes(32)), clock: systemClock });
  await store.close();
  return url;
}

export async function openOnPostgres(postgres: ThrowawayPostgres, clock: Clock): Promise<OpenedPostgres> {
  const template = templates.get(postgres) ?? makeTemplate(postgres);
  templates.set(postgres, template);
  const url = await postgres.createDatabase(await template);
  const vault = createVault(randomBytes(32));
  let store: Store;
  let reader: ReadStore;
  const open = async () => {
    store = await openPostgresStore({ url, vault, clock, lingerMs: 0 });
    reader = openPostgresReader({ url, vault });
  };
  const end = async () => {
    await reader.close();
    await store.close();
  };
  const query = <Row extends object>(text: string) => postgres.query<Row>(text, url);
  await open();
  return {
    url,
    query,
    get store() {
      return store;
    },
    get reader() {
      return reader;
    },
    async addWorkspace(workspaceId) {
      await query(`INSERT INTO broxi.workspaces (id, name) VALUES ('${workspaceId}', 'test')`);
    },
    async reopen() {
      await end();
      await open();
    },
    async close() {
      await end();
      await postgres.dropDatabase(url);
    },
    async dump() {
      const tables = await query<{ name: string }>(
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'broxi'",
      );
      const texts: string[] = [];
      for (const { name } of tables) {
        const rows = await query<{ row: string }>(`SELECT t::text AS row FROM broxi.${name} t`);
        texts.push(...rows.map(({ row }) => row));
      }
      return Buffer.from(texts.join('\n'));
    },
    /** Every table refuses another row, with the error of a disk that is full. */
    async fill() {
      const tables = await query<{ name: string }>(
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'broxi'",
      );
      const names = tables.map(({ name }) => name).filter((name) => ROOM.test(name));
      await query(`CREATE FUNCTION broxi.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`);
      for (const name of names) {
        await query(`CREATE TRIGGER full_disk BEFORE INSERT ON broxi.${name} EXECUTE FUNCTION broxi.refuse()`);
      }
      return async () => {
        await query('DROP FUNCTION broxi.refuse CASCADE');
      };
    },
  };
}
