import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { type Destination, type Lane, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { QueuedDelivery, Settlement } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { answered, nextAttempt, SAMPLE_AT, SAMPLE_URL, sampleChange, sampleConfig, sampleTest } from './samples.ts';
import { Scene } from './scene.ts';

const FAILED = { state: 'failed', reason: 'gave up' } as const;
const OPEN = { state: 'open', since: SAMPLE_AT, failedProbes: 0, nextProbeAt: SAMPLE_AT + 5_000 } as const;
const HALF_OPEN = { state: 'half_open', since: SAMPLE_AT + 9_000, width: 1, widenAt: SAMPLE_AT + 10_000 } as const;
const ALL_NEWS = ['webhook.disabled', 'webhook.circuit.opened', 'webhook.circuit.closed', 'delivery.exhausted'];

/** What an outcome brings about is recorded and owed in one with it, to the webhooks that name the type. */
export function testNews(harness: StoreHarness): void {
  describe('operational events', () => {
    const scene = new Scene(harness);
    const subscriber = async (workspaceId: string, changes: object = { events: ALL_NEWS }) => {
      const lane = await scene.lane(workspaceId);
      await scene.store.putWebhook(sampleChange(lane, { config: sampleConfig(changes) }));
      return lane;
    };
    /** A webhook that fails, and another of its workspace. */
    const pair = async (changes?: object) => {
      const { workspaceId, id: webhookId } = await scene.webhook();
      return { lane: { workspaceId, webhookId }, told: await subscriber(workspaceId, changes) };
    };
    const outcome = async (lane: Lane, changes: Partial<Settlement> = {}) => {
      await scene.owe(lane);
      const delivery = await scene.take(lane);
      const due = { state: 'pending', dueAt: scene.clock.now() + 1_000 } as const;
      const attempt = nextAttempt(delivery, answered(503));
      const settled = await scene.settle(delivery, changes.next ?? due, { attempt, ...changes });
      assert.equal(settled, true);
      return delivery;
    };
    const newsFor = async (lane: Lane) => (await scene.waiting(lane)).map(read);
    const learned = (changes: Partial<Destination>) => ({
      url: SAMPLE_URL,
      value: { ...UNKNOWN_DESTINATION, ...changes },
    });

    it('tell of a delivery that failed', async () => {
      const { lane, told } = await pair();
      const delivery = await outcome(lane, { next: FAILED });
      const data = {
        webhook_id: lane.webhookId,
        delivery_id: delivery.id,
        event_type: delivery.event.type,
        event_id: delivery.event.id,
        attempts: 1,
        failed_at: new Date(SAMPLE_AT + 121).toISOString(),
        reason: 'gave up',
        status_code: 503,
      };
      assert.deepEqual(await newsFor(told), [{ type: 'delivery.exhausted', data }]);
      assert.equal((await scene.read((reads) => reads.listEvents(ofType(told, 'delivery.exhausted')))).length, 1);
    });

    it('tell of a batch that failed, or was given up as it was made', async () => {
      const { lane, told } = await pair();
      const members = await scene.gather(lane, 2);
      const batch = await scene.form(lane);
      const start = { state: 'failed', reason: 'all 4 attempts used' } as const;
      const more = { id: newId('del'), eventId: newId('evt'), dataText: batch.event.dataText, members };
      const successor = { ...more, formedAt: scene.clock.now(), atFallback: false, attemptsUsed: 4, start };
      await scene.settle(batch, { state: 'delivered' }, { successors: [successor] });
      await scene.gather(lane);
      const failed = await scene.form(lane);
      await scene.settle(failed, FAILED);
      const news = await newsFor(told);
      const about = { webhook_id: lane.webhookId, event_type: 'webhook.batch', attempts: 1 };
      const failed_at = new Date(SAMPLE_AT + 121).toISOString();
      assert.deepEqual(
        news.map(({ data }) => data),
        [
          { ...about, delivery_id: successor.id, failed_at, reason: start.reason, status_code: 200 },
          { ...about, delivery_id: failed.id, failed_at, reason: 'gave up', status_code: 500 },
        ],
      );
    });

    it('tell of a circuit that opens and one that is answered again, once each, and of no probe', async () => {
      const { lane, told } = await pair();
      await outcome(lane, { destination: learned({ circuit: OPEN }) });
      await outcome(lane, { destination: learned({ circuit: { ...OPEN, failedProbes: 1 } }) });
      await outcome(lane, { destination: learned({ circuit: HALF_OPEN }) });
      await outcome(lane, { destination: learned({ circuit: { state: 'closed' } }) });
      const about = {
        webhook_id: lane.webhookId,
        destination: 'https://receiver.example',
        opened_at: new Date(SAMPLE_AT).toISOString(),
      };
      const next_probe_at = new Date(OPEN.nextProbeAt).toISOString();
      const [opened, closed, ...others] = await newsFor(told);
      assert.deepEqual(opened, { type: 'webhook.circuit.opened', data: { ...about, next_probe_at, status_code: 503 } });
      assert.equal(closed?.type, 'webhook.circuit.closed');
      assert.partialDeepStrictEqual(closed?.data, about);
      assert.deepEqual(others, []);
    });

    it('tell of a webhook that an outcome disabled, once, and of none that it did not', async () => {
      const { lane, told } = await pair();
      const disable = { reason: 'no_success', at: SAMPLE_AT } as const;
      const failing = { since: SAMPLE_AT - 9, attempts: 20, days: 5, latestAt: SAMPLE_AT };
      await outcome(lane, { disable, destination: learned({ failing }) });
      await outcome(lane, { disable });
      const [news, ...others] = await newsFor(told);
      assert.deepEqual(news, {
        type: 'webhook.disabled',
        data: {
          webhook_id: lane.webhookId,
          reason: 'no_success',
          disabled_at: new Date(SAMPLE_AT).toISOString(),
          destination: 'https://receiver.example',
          status_code: 503,
          attempts: 20,
          failing_since: new Date(SAMPLE_AT - 9).toISOString(),
        },
      });
      assert.deepEqual(others, []);
    });

    it('tell of a circuit that a test closed', async () => {
      const { lane, told } = await pair();
      await outcome(lane, { destination: learned({ circuit: OPEN }) });
      await scene.store.recordTest(sampleTest(lane, { destination: learned({ circuit: HALF_OPEN }) }));
      assert.deepEqual(types(await newsFor(told)), ['webhook.circuit.opened', 'webhook.circuit.closed']);
    });

    it('come thin to a webhook that is thin', async () => {
      const { lane, told } = await pair({ events: ALL_NEWS, payload: 'thin' });
      const other = await subscriber(lane.workspaceId);
      await outcome(lane, { next: FAILED });
      const carried = async (of: Lane) => (await scene.waiting(of)).map(({ payload }) => payload);
      assert.deepEqual([await carried(told), await carried(other)], [['thin'], ['full']]);
    });

    it('hold what the catalog requires, and nothing that it does not name', async () => {
      const { lane, told } = await pair();
      const disable = { reason: 'gone', at: SAMPLE_AT } as const;
      await outcome(lane, { destination: learned({ circuit: OPEN }), next: FAILED });
      await outcome(lane, { destination: learned({ circuit: HALF_OPEN }), disable });
      const news = await newsFor(told);
      assert.deepEqual(types(news).toSorted(), ALL_NEWS.toSorted());
      for (const { type, data } of news) {
        const { required, properties } = catalog[type as 'webhook.disabled'].schema;
        for (const name of required) assert.ok(name in data, `${type} has ${name}`);
        for (const name of Object.keys(data)) assert.ok(name in properties, `${type} knows ${name}`);
      }
    });

    it('go to nobody who did not name the type', async () => {
      for (const events of [['*'], ['workflow.*'], ['webhook.disabled']]) {
        const { lane, told } = await pair({ events });
        await outcome(lane, { next: FAILED });
        assert.deepEqual(await newsFor(told), [], events.join());
        assert.deepEqual(await scene.read((reads) => reads.listEvents(ofType(told, 'delivery.exhausted'))), []);
      }
    });

    it('go to no webhook that is inactive, deleted or of another workspace, and to one from when it asks', async () => {
      const { lane, told } = await pair({ events: ALL_NEWS, active: false });
      const elsewhere = await subscriber(await scene.workspace());
      await outcome(lane, { next: FAILED });
      const put = (expectedVersion: number, changes: object = {}) =>
        scene.store.putWebhook(
          sampleChange(told, { config: sampleConfig({ events: ALL_NEWS }), expectedVersion, ...changes }),
        );
      assert.deepEqual(await newsFor(told), []);
      await put(1);
      await outcome(lane, { next: FAILED });
      assert.equal((await newsFor(told)).length, 1);
      await put(2, { deletedAt: SAMPLE_AT });
      await outcome(lane, { next: FAILED });
      assert.equal((await newsFor(told)).length, 1);
      assert.deepEqual(await newsFor(elsewhere), []);
    });

    it('are never about what became of operational events', async () => {
      const { lane, told } = await pair();
      await outcome(lane, { next: FAILED });
      const news = await scene.take(told);
      const disable = { reason: 'gone', at: SAMPLE_AT } as const;
      await scene.settle(news, FAILED, { disable, destination: learned({ circuit: OPEN }) });
      assert.deepEqual(await newsFor(told), []);
    });

    it('come with the outcome alone: a fence that is lost tells nothing', async () => {
      const { lane, told } = await pair();
      const delivery = await outcome(lane, { next: FAILED });
      assert.equal(await scene.settle(delivery, FAILED), false);
      assert.equal((await newsFor(told)).length, 1);
    });

    it('wake the lane that they go to', async () => {
      const { lane, told } = await pair();
      const woken: string[] = [];
      scene.store.onWake((wakes) => {
        for (const wake of wakes) if (wake.first) woken.push(wake.lane.webhookId);
      });
      await outcome(lane, { next: FAILED });
      assert.deepEqual(woken, [lane.webhookId, told.webhookId]);
    });

    it('are owed as other events are', async () => {
      const { lane, told } = await pair();
      const before = await scene.store.counters();
      await outcome(lane, { next: FAILED });
      const after = await scene.store.counters();
      assert.equal(after.deliveriesCreated - before.deliveriesCreated, 2);
      assert.equal(after.eventsAccepted - before.eventsAccepted, 1, 'producers sent one');
      assert.equal(after.pending - before.pending, 1);
      await scene.settle(await scene.take(told), { state: 'delivered' });
      assert.deepEqual(await newsFor(told), []);
    });
  });
}

function read({ event }: QueuedDelivery): { type: string; data: object } {
  return { type: event.type, data: JSON.parse(event.dataText) as object };
}

function types(news: readonly { type: string }[]): string[] {
  return news.map(({ type }) => type);
}

function ofType({ workspaceId }: Lane, type: string) {
  return { workspaceId, type, limit: 9 };
}
