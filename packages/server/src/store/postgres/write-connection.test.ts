import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../clock.ts';
import { StoreUnavailableError } from '../../errors.ts';
import { CuttingProxy } from '../../test/postgres/cutting-proxy.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../../test/wait-until.ts';
import { plannedEvent, submission } from '../conformance/samples.ts';
import { createVault } from '../vault.ts';
import { openPool, prepared } from './database.ts';
import { InTheWayError } from './errors.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import type { Transaction } from './transaction.ts';
import { WriteConnection } from './write-connection.ts';

const lane = { workspaceId: 'ws_1', webhookId: 'wh_1' };

describe('a commit that was lost on its way to a database that crashed', () => {
  let postgres: ThrowawayPostgres;
  before(async () => {
    // Nothing reaches the disk by itself, so that a crash forgets even the number of the transaction.
    postgres = await ThrowawayPostgres.start({ wal_writer_delay: '10000' });
  });
  after(() => postgres.stop());

  it('is not taken for that of another transaction, which was given the same number', async () => {
    const url = await postgres.createDatabase();
    const proxy = await CuttingProxy.start(url);
    const vault = createVault(randomBytes(32));
    const store = await openPostgresStore({ url: proxy.url, vault, clock: systemClock, isOwner: false });
    try {
      const cut = proxy.cutAt('COMMIT\0', { delivered: false });
      const recorded = assert.rejects(store.record(submission([plannedEvent([lane])])), StoreUnavailableError);
      await cut;
      await postgres.halt('immediate');
      await postgres.resume();
      for (let i = 0; i < 20; i += 1) await postgres.query('SELECT pg_current_xact_id()', url);
      await recorded;
    } finally {
      await store.close();
      await proxy.stop();
    }
  });
});

describe('a commit that waits for a standby', () => {
  it('is not acknowledged when somebody ends the wait, before the standby has it', async () => {
    const primary = await ThrowawayPostgres.start();
    const url = await primary.createDatabase();
    const store = await openPostgresStore({
      url,
      vault: createVault(randomBytes(32)),
      clock: systemClock,
      isOwner: false,
    });
    const standby = await primary.addStandby();
    try {
      await standby.halt();
      let isAcknowledged = false;
      const recorded = store.record(submission([plannedEvent([lane])])).then(() => {
        isAcknowledged = true;
      });
      const waiting = (what = 'pid') =>
        primary.query(`SELECT ${what} FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
      const cancelWait = async () => (await waiting('pg_cancel_backend(pid)')).length > 0;
      await waitUntil('it waits', async () => (await waiting()).length > 0, 5_000);
      // Sent behind it, it is not committed before it is known what became of it.
      const behind = store.record(submission([plannedEvent([lane])])).then(() => {
        isAcknowledged = true;
      });
      for (let i = 0; i < 3; i += 1) await waitUntil('it waits', cancelWait, 5_000);
      assert.equal(isAcknowledged, false);
      await standby.resume();
      await Promise.all([recorded, behind]);
      assert.equal((await store.listEvents({ workspaceId: lane.workspaceId, limit: 10 })).length, 2);
    } finally {
      await store.close();
      await standby.stop();
      await primary.stop();
    }
  });
});

describe('transactions behind one another', () => {
  let postgres: ThrowawayPostgres;
  let url: string;
  let proxy: CuttingProxy;
  let connection: WriteConnection;

  before(async () => {
    postgres = await ThrowawayPostgres.start();
    url = await furnished(postgres);
    // What is written into it takes its time to commit.
    await postgres.query(
      `CREATE TABLE slow (name text);
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
        CREATE TABLE fast (name text);
        CREATE FUNCTION collide() RETURNS void LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'collided' USING ERRCODE = 'serialization_failure'; END $$`,
      url,
    );
    proxy = await CuttingProxy.start(url);
  });
  beforeEach(() => {
    connection = new WriteConnection(openPool(proxy.url, 1), systemClock);
  });
  afterEach(async () => {
    await connection.close();
    await postgres.query('TRUNCATE slow, fast', url);
  });
  after(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  const insert = (table: string) => async (tx: Transaction) => {
    await tx.query(`INSERT INTO ${table} VALUES ('a')`);
  };
  const count = async (table: string) => (await postgres.query(`SELECT 1 FROM ${table}`, url)).length;

  /** Begins one whose commit takes its time, and another one as soon as it may. */
  async function beginBoth(log: string[] = []) {
    const passed = Promise.withResolvers<void>();
    const first = connection.transact(insert('slow'), passed.resolve).then(() => log.push('first over'));
    await passed.promise;
    const second = connection.transact(async (tx) => {
      log.push('second begun');
      await insert('fast')(tx);
    });
    return [first, second.then(() => log.push('second over'))] as const;
  }

  it('the next one begins while one is committed, and is over after it', async () => {
    const log: string[] = [];
    await Promise.all(await beginBoth(log));
    assert.deepEqual(log, ['second begun', 'first over', 'second over']);
    assert.deepEqual([await count('slow'), await count('fast')], [1, 1]);
  });

  it('when the answer to COMMIT is lost, the database is asked, and the next one is refused', async () => {
    const cut = proxy.cutAt('COMMIT\0', { delivered: true });
    const [first, second] = await beginBoth();
    await Promise.all([cut, first, assert.rejects(second, StoreUnavailableError)]);
    assert.deepEqual([await count('slow'), await count('fast')], [1, 0]);
    await connection.transact(insert('fast'));
    assert.equal(await count('fast'), 1);
  });

  it('when COMMIT itself is lost, neither is recorded', async () => {
    const cut = proxy.cutAt('COMMIT\0', { delivered: false });
    const [first, second] = await beginBoth();
    const refused = [first, second].map((each) => assert.rejects(each, StoreUnavailableError));
    await Promise.all([cut, ...refused]);
    assert.deepEqual([await count('slow'), await count('fast')], [0, 0]);
    await connection.transact(insert('fast'));
    assert.equal(await count('fast'), 1);
  });

  it('fails for what failed first, whichever of its callers hears of it first', async () => {
    const collide = prepared('SELECT collide()');
    const late = async (answer: Promise<unknown>) => {
      const outcome = await Promise.allSettled([answer]);
      for (let n = 0; n < 9; n += 1) await null;
      if (outcome[0].status === 'rejected') throw outcome[0].reason;
    };
    for (const work of [
      (tx: Transaction) => Promise.all([late(tx.run(collide, [])), tx.query('SELECT 1')]),
      (tx: Transaction) =>
        Promise.all([tx.query('SELECT 1'), tx.query('SELECT collide()'), tx.run(prepared('SELECT 2'), [])]),
    ]) {
      await assert.rejects(
        connection.transact(async (tx) => void (await work(tx))),
        InTheWayError,
      );
    }
  });

  it('when one is undone, the next one is not', async () => {
    const failed = assert.rejects(
      connection.transact((tx) => tx.query('SELECT 1 / 0').then(() => {})),
      /division by zero/,
    );
    await Promise.all([failed, connection.transact(insert('fast'))]);
    assert.equal(await count('fast'), 1);
  });
});

describe('a statement that is prepared', () => {
  let postgres: ThrowawayPostgres;
  let connection: WriteConnection;
  const ONE = prepared('SELECT $1::bigint + 1 AS more');
  const more = async () => {
    let rows: { more: number }[] = [];
    await connection.transact(async (tx) => {
      rows = await tx.run(ONE, [1]);
    });
    return rows;
  };

  before(async () => {
    postgres = await ThrowawayPostgres.start();
  });
  beforeEach(async () => {
    connection = new WriteConnection(openPool(await furnished(postgres), 1), systemClock);
  });
  afterEach(() => connection.close());
  after(() => postgres.stop());

  for (const [what, statement] of [
    ['is not where it was left', 'DEALLOCATE ALL'],
    ['is there already', `PREPARE ${ONE.name} AS SELECT 2 AS more`],
  ] as const) {
    it(`is run unprepared from then on where it ${what}, as behind a pooler`, async () => {
      if (statement.startsWith('DEALLOCATE')) assert.deepEqual(await more(), [{ more: 2 }]);
      await connection.transact(async (tx) => void (await tx.query(statement)));
      await assert.rejects(more(), InTheWayError);
      assert.deepEqual(await more(), [{ more: 2 }]);
    });
  }
});

/** A new database with the schema. */
async function furnished(postgres: ThrowawayPostgres): Promise<string> {
  const url = await postgres.createDatabase();
  await (await openPostgresStore({ url, vault: createVault(randomBytes(32)), clock: systemClock })).close();
  return url;
}
