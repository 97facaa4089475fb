import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../clock.ts';
import { StoreUnavailableError } from '../../errors.ts';
import { CuttingProxy } from '../../test/postgres/cutting-proxy.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { waitUntil } from '../../test/wait-until.ts';
import { plannedEvent, submission } from '../conformance/samples.ts';
import { createVault } from '../vault.ts';
import { openPostgresStore } from './open-postgres-store.ts';

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
      const cancelWait = async () => {
        const waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        return (await primary.query(waiting)).length > 0;
      };
      for (let i = 0; i < 3; i += 1) await waitUntil('it waits', cancelWait, 5_000);
      assert.equal(isAcknowledged, false);
      await standby.resume();
      await recorded;
    } finally {
      await store.close();
      await standby.stop();
      await primary.stop();
    }
  });
});
