import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../clock.ts';
import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import { InvalidSettingError, StoreUnavailableError } from '../../errors.ts';
import { CuttingProxy } from '../../test/postgres/cutting-proxy.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../../test/wait-until.ts';
import { answered, nextAttempt, plannedEvent, submission } from '../conformance/samples.ts';
import type { Store } from '../store.ts';
import { createVault } from '../vault.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { MIGRATIONS } from './schema.ts';

const lane = { workspaceId: 'ws_1', webhookId: 'wh_1' };
const vault = createVault(randomBytes(32));

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

function openAt(url: string): Promise<Store> {
  return openPostgresStore({ url, vault, clock: systemClock });
}

function record(store: Store) {
  return store.record(submission([plannedEvent([lane])]));
}

async function countEvents(url: string): Promise<number> {
  const rows = await postgres.query<{ count: string }>('SELECT count(*) AS count FROM broxi.events', url);
  return Number(rows[0]?.count);
}

describe('a connection that is lost', () => {
  let proxy: CuttingProxy;
  let url: string;
  let store: Store;

  before(async () => {
    url = await postgres.createDatabase();
    proxy = await CuttingProxy.start(url);
    store = await openAt(proxy.url);
  });
  after(async () => {
    await store.close();
    await proxy.stop();
  });

  it('while COMMIT was on its way back: what was recorded is said to be recorded', async () => {
    const before = await countEvents(url);
    const cut = proxy.cutAt('COMMIT\0', { delivered: true });
    const recorded = record(store);
    await cut;
    assert.equal((await recorded).kind, 'recorded');
    assert.equal(await countEvents(url), before + 1);
  });

  it('while COMMIT was on its way there: nothing is recorded, and it says so', async () => {
    const before = await countEvents(url);
    const cut = proxy.cutAt('COMMIT\0', { delivered: false });
    const recorded = record(store);
    await Promise.all([cut, assert.rejects(recorded, StoreUnavailableError)]);
    assert.equal(await countEvents(url), before);
    assert.equal((await record(store)).kind, 'recorded');
  });

  it('in the middle of a transaction: nothing is recorded, and the next one is', async () => {
    const before = await countEvents(url);
    // The name of a statement that is prepared.
    const cut = proxy.cutAt('broxi_', { delivered: true });
    await Promise.all([cut, assert.rejects(record(store), StoreUnavailableError)]);
    assert.equal(await countEvents(url), before);
    assert.equal((await record(store)).kind, 'recorded');
  });

  it('by a read: it is asked again', async () => {
    const cut = proxy.cutAt('FROM broxi.events', { delivered: true });
    const listed = store.listEvents({ workspaceId: lane.workspaceId, limit: 1 });
    await cut;
    assert.equal((await listed).length, 1);
  });
});

describe('a database that is away', () => {
  it('refuses writes and reads as unavailable, and takes them again when it is back', async () => {
    const url = await postgres.createDatabase();
    const store = await openAt(url);
    try {
      assert.equal((await record(store)).kind, 'recorded');
      await postgres.halt('fast');
      await assert.rejects(record(store), StoreUnavailableError);
      await assert.rejects(store.sweep(), StoreUnavailableError);
      await assert.rejects(openAt(url), StoreUnavailableError);
      await postgres.resume();
      await waitUntil('it is back', async () => (await record(store)).kind === 'recorded', 10_000);
      assert.deepEqual(await store.sweep(), [lane]);
      await postgres.halt('immediate');
      await postgres.resume();
      await waitUntil(
        'it is back after a crash',
        () =>
          record(store).then(
            () => true,
            () => false,
          ),
        10_000,
      );
    } finally {
      await store.close();
    }
  });

  it('that is read-only, as one that was failed over from is: refuses writes as unavailable, and reads on', async () => {
    const url = await postgres.createDatabase();
    const store = await openAt(url);
    try {
      await record(store);
      const name = new URL(url).pathname.slice(1);
      await postgres.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
      await postgres.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND application_name <> ''`,
      );
      await assert.rejects(record(store), StoreUnavailableError);
      assert.deepEqual(await store.sweep(), [lane]);
    } finally {
      await store.close();
    }
  });
});

describe('another transaction that is in the way', () => {
  it('is waited out, and the work repeated', async () => {
    const url = await postgres.createDatabase();
    const store = await openAt(url);
    try {
      await postgres.query('CREATE SEQUENCE tries', url);
      // A sequence goes on counting when its transaction is undone.
      await postgres.query(
        `CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('tries') < 3 THEN RAISE EXCEPTION 'collided' USING ERRCODE = 'serialization_failure'; END IF;
          RETURN NULL; END $$`,
        url,
      );
      await postgres.query('CREATE TRIGGER t AFTER INSERT ON broxi.events EXECUTE FUNCTION collide()', url);
      assert.equal((await record(store)).kind, 'recorded');
      assert.equal(await countEvents(url), 1);
    } finally {
      await store.close();
    }
  });

  for (const [what, change, left] of [
    ['moves a delivery', 'UPDATE broxi.queue SET due_at = due_at + 1', 1],
    ['takes a delivery away', 'DELETE FROM broxi.queue', 0],
  ] as const) {
    it(`while it ${what}, an outcome waits for it and then finds that it has lost`, async () => {
      const url = await postgres.createDatabase();
      const store = await openAt(url);
      try {
        await record(store);
        const everything = { after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 1 };
        const [delivery] = await store.readDue({ lane, class: DELIVERY_CLASS.first, ...everything });
        assert.ok(delivery !== undefined);
        const other = postgres.query(`BEGIN; ${change}; SELECT pg_sleep(0.3); COMMIT`, url);
        const isAsleep = async () =>
          (await postgres.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0;
        await waitUntil('the other one has changed it', isAsleep, 5_000);
        const attempt = nextAttempt(delivery, answered(200));
        const settlement = { delivery, attempt, next: { state: 'delivered' }, destination: null } as const;
        assert.equal(await store.settle(settlement), false);
        await other;
        const [waiting, over] = await Promise.all(
          ['queue', 'deliveries'].map((table) => postgres.query(`SELECT 1 FROM broxi.${table}`, url)),
        );
        assert.deepEqual([waiting?.length, over?.length], [left, 0]);
      } finally {
        await store.close();
      }
    });
  }
});

describe('opening', () => {
  it('several at once on an empty database makes one schema and one workspace', async () => {
    const url = await postgres.createDatabase();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openAt(url)));
    const made = await Promise.all(stores.map((store, i) => store.ensureWorkspace({ id: `ws_${i}`, name: 'default' })));
    assert.equal(new Set(made.map(({ id }) => id)).size, 1);
    await Promise.all(stores.map((store) => store.close()));
    const versions = await postgres.query('SELECT version FROM broxi.schema_version', url);
    assert.deepEqual(versions, [{ version: MIGRATIONS.length }]);
  });

  it('refuses a database of a newer version', async () => {
    const url = await postgres.createDatabase();
    await (await openAt(url)).close();
    await postgres.query('UPDATE broxi.schema_version SET version = 9999', url);
    await assert.rejects(openAt(url), /newer version \(schema 9999/);
  });

  it('says which setting is wrong when the database refuses, and never a password', async () => {
    const url = new URL(postgres.url('nowhere'));
    url.password = 'hunter2';
    await assert.rejects(openAt(url.href), (error) => {
      assert.ok(error instanceof InvalidSettingError, String(error));
      assert.match(error.message, /^BROXI_DATABASE_URL .*"nowhere" does not exist/);
      assert.ok(!error.message.includes('hunter2'));
      return true;
    });
  });

  it('needs no right to make schemas where its own is there', async () => {
    const url = await postgres.createDatabase();
    await postgres.query('CREATE ROLE plain LOGIN', url);
    await postgres.query('CREATE SCHEMA broxi AUTHORIZATION plain', url);
    const plain = new URL(url);
    plain.username = 'plain';
    const store = await openAt(plain.href);
    assert.equal((await record(store)).kind, 'recorded');
    await store.close();
  });
});
