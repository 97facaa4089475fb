import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openMoving } from '../../test/postgres/moving-harness.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { createManualClock } from '../conformance/manual-clock.ts';
import { plannedEvent, sampleEvent, submission } from '../conformance/samples.ts';
import type { CopiedRow } from '../copied-tables.ts';
import { copyHistory, copyRest } from '../copy-store.ts';
import { openCopySource } from '../sqlite/copy-source.ts';
import { PostgresCopyTarget } from './copy-target.ts';

const WORKSPACE = 'ws_000001';
const LANE = { workspaceId: WORKSPACE, webhookId: 'wh_1' };

describe('the target of a copy', () => {
  let postgres: ThrowawayPostgres;
  let url: string;
  before(async () => {
    postgres = await ThrowawayPostgres.start();
  });
  after(() => postgres.stop());
  beforeEach(async () => {
    url = await postgres.createDatabase();
  });

  const open = (sourceId = WORKSPACE) => PostgresCopyTarget.open({ url, sourceId, since: Date.now(), isKnown: false });
  const count = async (table: string, at = url) => {
    const [row] = await postgres.query<{ count: string }>(`SELECT count(*) FROM broxi.${table}`, at);
    return Number(row?.count);
  };
  const eventRow = (seq: number): CopiedRow<'events'> => {
    const { id, type, occurredAt, acceptedAt, dataText } = sampleEvent(WORKSPACE);
    const names = { workspace_id: WORKSPACE, id, seq, type, run_id: null, revision: 1, data: dataText };
    return { ...names, occurred_at: occurredAt, accepted_at: acceptedAt };
  };

  it('goes on where it was, and keeps a page and how far it came together', async () => {
    const first = await open();
    await first.addEvents([eventRow(3), eventRow(7)], 7);
    await assert.rejects(first.addEvents([eventRow(8), eventRow(9), { ...eventRow(10), data: null }], 10));
    assert.deepEqual(first.progress, { eventsThrough: 7, deliveriesThrough: 0, keysThrough: 0 });
    await first.close();
    const second = await open();
    assert.deepEqual(second.progress, first.progress);
    assert.equal(await count('events'), 2);
    await second.close();
  });

  it('takes a page from one copy only', async () => {
    const [one, other] = [await open(), await open()];
    const rows = [eventRow(1)];
    await one.addEvents(rows, 1);
    await assert.rejects(other.addEvents(rows, 1), /^ConflictError: Another copy into that database is under way/);
    await Promise.all([one.close(), other.close()]);
  });

  it('keeps what nobody would miss a NUL in without it', async () => {
    const target = await open();
    const type = { workspace_id: WORKSPACE, name: 'order.paid', schema: '{}', sample: null, updated_at: 1 };
    const write = () =>
      target.finish(
        (rest) => rest.addTable('event_types', [{ ...type, description: 'paid \0' }]),
        () => {},
      );
    await write();
    const [row] = await postgres.query<{ description: string }>('SELECT description FROM broxi.event_types', url);
    assert.equal(row?.description, 'paid \u{fffd}');
    await target.close();
  });

  it('has all of the rest or none of it, and the source may be used again until then', async () => {
    const moving = await openMoving(postgres, createManualClock());
    try {
      await moving.addWorkspace(WORKSPACE);
      await moving.store.record(submission([plannedEvent([LANE]), plannedEvent([LANE])]));
      const source = openCopySource({ path: moving.path, isAlone: false });
      const target = await PostgresCopyTarget.open({
        url: moving.url,
        sourceId: source.id,
        since: source.since,
        isKnown: false,
      });
      await copyHistory({ source, target });
      const settle = () => assert.fail('killed');
      await assert.rejects(copyRest({ source, target, settle }), /killed/);
      const counted = await Promise.all(['queue', 'deliveries', 'workspaces'].map((table) => count(table, moving.url)));
      assert.deepEqual(counted, [0, 0, 0]);
      assert.equal(await target.countLeft(), 2);
      await target.close();
      source.close();
      assert.equal(await moving.store.cancel({ lane: LANE, limit: 1, reason: 'meanwhile' }), 1);
      await moving.reopen();
      assert.equal(await count('queue', moving.url), 1);
      assert.equal(await count('deliveries', moving.url), 1);
    } finally {
      await moving.close();
    }
  });

  it('has days for history from the first on that the source has nearly all of its events of', async () => {
    const since = Date.UTC(2026, 9, 5, 12);
    const target = await PostgresCopyTarget.open({ url, sourceId: WORKSPACE, since, isKnown: false });
    const digits = (at: number) => `evt_${at.toString(16).padStart(12, '0')}`;
    const rows = [since - 86_400_000, since, since + 20 * 86_400_000].map((at, i) => ({
      ...eventRow(i + 1),
      id: digits(at),
    }));
    await target.addEvents(rows, 3);
    const days = await postgres.query<{ name: string }>(
      'SELECT tableoid::regclass::text AS name FROM broxi.events ORDER BY seq',
      url,
    );
    assert.deepEqual(
      days.map(({ name }) => name),
      ['broxi.events_aside', 'broxi.events_20261005', 'broxi.events_20261025'],
    );
    await target.close();
  });

  it('gives numbers to what comes later that nothing has', async () => {
    const moving = await openMoving(postgres, createManualClock());
    try {
      await moving.addWorkspace(WORKSPACE);
      await moving.store.record(submission([plannedEvent([LANE]), plannedEvent([LANE])]));
      await moving.reopen();
      await moving.store.record(submission([plannedEvent([LANE])]));
      for (const table of ['events', 'queue']) {
        const rows = await postgres.query<{ seq: string }>(`SELECT seq FROM broxi.${table} ORDER BY seq`, moving.url);
        assert.deepEqual(
          rows.map(({ seq }) => Number(seq)),
          [1, 2, 3],
          table,
        );
      }
    } finally {
      await moving.close();
    }
  });
});
