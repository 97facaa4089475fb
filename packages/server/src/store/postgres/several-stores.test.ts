import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../clock.ts';
import { ConflictError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { plannedEvent, sampleAudit, sampleChange, submission } from '../conformance/samples.ts';
import type { RecordResult, Store } from '../store.ts';
import { createVault } from '../vault.ts';
import { openPostgresStore } from './open-postgres-store.ts';

/** Two nodes on one database. */
describe('two stores on one database', () => {
  const lane = { workspaceId: 'ws_1', webhookId: 'wh_1' };
  let postgres: ThrowawayPostgres;
  let stores: [Store, Store];

  before(async () => {
    postgres = await ThrowawayPostgres.start();
    const url = await postgres.createDatabase();
    const options = { url, vault: createVault(randomBytes(32)), clock: systemClock };
    stores = [await openPostgresStore(options), await openPostgresStore(options)];
    await stores[0].ensureWorkspace({ id: lane.workspaceId, name: 'default' });
  });
  after(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await postgres.stop();
  });

  const recordWith = (store: Store, keys: readonly string[]): Promise<RecordResult> => {
    const planned = keys.map((key) =>
      plannedEvent([lane], { idempotency: { scope: 'POST /v1/events', key, bodyHash: 'h' } }),
    );
    const [first, ...rest] = planned;
    assert.ok(first);
    return store.record(submission([first, ...rest]));
  };

  it('record a key once, whichever of them it comes to, in whatever order', async () => {
    const recorded: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const keys = Array.from({ length: 10 }, (_, i) => `key-${round}-${i}`);
      const results = await Promise.all([
        recordWith(stores[0], keys),
        recordWith(stores[1], keys.toReversed()),
        ...keys.map((key, i) => recordWith(stores[i % 2 === 0 ? 1 : 0], [key])),
      ]);
      for (const result of results) {
        assert.equal(result.kind, 'recorded');
        if (result.kind !== 'recorded') continue;
        for (const outcome of result.events) if (outcome.kind === 'recorded') recorded.push(outcome.id);
      }
    }
    assert.equal(recorded.length, 200);
    const rows = await stores[0].readDue({ lane, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 999 });
    assert.deepEqual(rows.map(({ event }) => event.id).toSorted(), recorded.toSorted());
  });

  it('change a webhook one after the other: of two that change the same version, one is told so', async () => {
    const other = { ...lane, webhookId: 'wh_2' };
    await stores[0].putWebhook(sampleChange(other));
    for (let version = 1; version <= 10; version += 1) {
      const changing = stores.map((store) =>
        store.putWebhook(sampleChange(other, { expectedVersion: version, audit: sampleAudit(other.workspaceId) })),
      );
      const outcomes = await Promise.allSettled(changing);
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      assert.equal(refused.length, 1);
      assert.ok(refused[0]?.reason instanceof ConflictError, String(refused[0]?.reason));
    }
    const revisions = (await stores[1].listWebhookVersions(other)).map(({ revision }) => revision);
    assert.deepEqual(revisions, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('settle a delivery once', async () => {
    const third = { ...lane, webhookId: 'wh_3' };
    const [first, ...rest] = Array.from({ length: 50 }, () => plannedEvent([third]));
    assert.ok(first);
    await stores[0].record(submission([first, ...rest]));
    const due = await stores[1].readDue({ lane: third, class: 0, after: null, dueBy: Date.now() + 60_000, limit: 99 });
    assert.equal(due.length, 50);
    const cancelling = due.flatMap(({ id }) =>
      stores.map((store) => store.cancel({ lane: third, deliveryId: id, limit: 1, reason: 'test' })),
    );
    assert.equal(
      (await Promise.all(cancelling)).reduce((sum, count) => sum + count, 0),
      50,
    );
  });

  it('put a member into one batch, or let it go by itself', async () => {
    const fourth = { ...lane, webhookId: 'wh_4' };
    const [first, ...rest] = Array.from({ length: 60 }, () => {
      const planned = plannedEvent([fourth]);
      return { ...planned, deliveries: planned.deliveries.map((each) => ({ ...each, gathers: true as const })) };
    });
    assert.ok(first);
    await stores[0].record(submission([first, ...rest]));
    const members = await stores[1].readGathering({ lane: fourth, after: null, limit: 99 });
    assert.equal(members.length, 60);
    const form = (store: Store, from: number, to: number) => {
      const ids = { id: newId('del'), eventId: newId('evt'), formedAt: Date.now() };
      const batch = { ...ids, lane: fourth, eventType: first.event.type, route: null };
      return store.formBatch({ ...batch, members: members.slice(from, to) });
    };
    const [one, other, released] = await Promise.all([
      form(stores[0], 0, 40),
      form(stores[1], 20, 60),
      stores[0].releaseGathering(fourth, 10),
    ]);
    const listed = await stores[1].listDeliveries({
      workspaceId: fourth.workspaceId,
      webhookId: fourth.webhookId,
      limit: 99,
    });
    const inBatches = listed.filter(({ state }) => state === 'batched').length;
    assert.equal(inBatches, one + other);
    assert.equal(
      listed.filter(({ origin, state }) => origin === 'event' && state === 'pending').length,
      60 - inBatches,
    );
    const waiting = await stores[1].readGathering({ lane: fourth, after: null, limit: 99 });
    assert.equal(inBatches + released + waiting.length, 60);
  });
});
