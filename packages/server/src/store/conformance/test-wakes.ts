import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HoldChange } from '../../domain/hold.ts';
import { type Lane, laneKey, type Webhook } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type { IdempotencyKey, Wake } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { plannedEvent, SAMPLE_AT, sampleAudit, sampleChange, sampleTest, submission } from './samples.ts';
import { Scene } from './scene.ts';

type News = Pick<Wake, 'recovered' | 'changed'> & { first: boolean; gathering: boolean };

const DEADLINE_MS = 10_000;

/** News of lanes: told after the commit, of what is new in it and of nothing else. */
export function testWakes(harness: StoreHarness): void {
  describe('wakes', () => {
    const scene = new Scene(harness);

    /** What the listener hears of while `act` runs, lane by lane. A loud write behind it shows that all of it arrived. */
    const newsOf = async (act: () => Promise<unknown>): Promise<Map<string, News>> => {
      const end = await scene.lane();
      const heard: Wake[] = [];
      scene.store.onWake((wakes) => heard.push(...wakes));
      await act();
      await scene.owe(end);
      await until(() => heard.some(({ lane }) => laneKey(lane) === laneKey(end)));
      const news = new Map<string, News>();
      for (const { lane, ...of } of heard) {
        if (laneKey(lane) === laneKey(end)) continue;
        const before = news.get(laneKey(lane)) ?? NOTHING;
        const { first, recovered, gathering, changed } = of;
        news.set(laneKey(lane), {
          first: before.first || first !== null,
          recovered: before.recovered || recovered,
          gathering: before.gathering || gathering !== null,
          changed: before.changed || changed,
        });
      }
      return news;
    };
    const assertNews = async (act: () => Promise<unknown>, expected: [Lane, Partial<News>][]) => {
      const news = await newsOf(act);
      assert.deepEqual(news, new Map(expected.map(([lane, of]) => [laneKey(lane), { ...NOTHING, ...of }])));
    };

    it('tells of first attempts, of each lane that got any', async () => {
      const a = await scene.lane();
      const b = await scene.lane(a.workspaceId);
      const recording = () =>
        scene.store.record(submission([plannedEvent([a, b]), plannedEvent([a]), plannedEvent([a])]));
      await assertNews(recording, [
        [a, { first: true }],
        [b, { first: true }],
      ]);
    });

    it('tells of what waits for company, and of the batch that is made of it', async () => {
      const lane = await scene.lane();
      await assertNews(() => scene.gather(lane, 3), [[lane, { gathering: true }]]);
      await assertNews(() => scene.form(lane), [[lane, { first: true }]]);
    });

    it('tells of what was put back and replayed', async () => {
      const failed = await scene.ended('failed');
      const delivered = await scene.ended('delivered');
      await assertNews(() => scene.store.requeue(failed.lane, failed.id), [[failed.lane, { recovered: true }]]);
      const replaying = () => scene.store.replay(delivered.lane, delivered.id, newId('del'));
      await assertNews(replaying, [[delivered.lane, { recovered: true }]]);
    });

    it('tells of a webhook that was paused or resumed, unless it was already', async () => {
      const { workspaceId, id: webhookId } = await scene.webhook();
      const lane = { workspaceId, webhookId };
      const change = (what: HoldChange) => () =>
        scene.store.changeHold({ lane, change: what, audit: sampleAudit(workspaceId) });
      await assertNews(change('pause'), [[lane, { changed: true }]]);
      await assertNews(change('pause'), []);
      await assertNews(change('resume'), [[lane, { changed: true }]]);
    });

    it('tells of a webhook that was created, changed or deleted', async () => {
      const lane = await scene.lane();
      const changes = [{}, { expectedVersion: 1 }, { expectedVersion: 2, deletedAt: SAMPLE_AT }];
      for (const change of changes) {
        await assertNews(() => scene.store.putWebhook(sampleChange(lane, change)), [[lane, { changed: true }]]);
      }
    });

    it('tells all that is new of a lane', async () => {
      const webhook = await scene.webhook();
      const lane = laneOf(webhook);
      await scene.owe(lane);
      const { id } = await scene.take(lane);
      await scene.settle(await scene.take(lane), { state: 'failed', reason: 'gave up' });
      const everything = () =>
        Promise.all([
          scene.owe(lane),
          scene.store.requeue(lane, id),
          scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1 })),
        ]);
      await assertNews(everything, [[lane, { first: true, recovered: true, changed: true }]]);
    });

    it('tells nothing of retries and of what brings no work', async () => {
      const lane = laneOf(await scene.webhook());
      const { workspaceId } = lane;
      await scene.owe(lane, 4);
      await assertNews(async () => {
        await scene.settle(await scene.take(lane), { state: 'pending', dueAt: scene.clock.now() });
        await scene.settle(await scene.take(lane), { state: 'delivered' });
        await scene.store.cancel({ lane, limit: 1, reason: 'test' });
        await scene.store.recordTest(sampleTest(lane));
        await scene.store.requeue(lane, 'del_unknown');
        await scene.store.replay(lane, 'del_unknown', newId('del'));
        await scene.store.appendAudit(sampleAudit(workspaceId));
        await scene.store.deleteEventType(workspaceId, 'unknown.type');
      }, []);
    });

    it('tells nothing of a repetition', async () => {
      const lane = await scene.lane();
      const idempotency: IdempotencyKey = { scope: 'POST /v1/events', key: 'k', bodyHash: 'h' };
      const request = () => submission([plannedEvent([lane])], { idempotency });
      await scene.store.record(request());
      await assertNews(() => scene.store.record(request()), []);
    });

    it('tells nothing of what was refused', async () => {
      const lane = laneOf(await scene.webhook());
      const failed = await scene.ended('failed');
      const event = plannedEvent([lane]);
      await assertNews(async () => {
        await assert.rejects(scene.store.record(submission([event, event])));
        await assert.rejects(scene.store.putWebhook(sampleChange(lane, { expectedVersion: 9 })));
        const audit = sampleAudit(lane.workspaceId);
        await scene.store.appendAudit(audit);
        await assert.rejects(scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, audit })));
        await assert.rejects(scene.store.replay(failed.lane, failed.id, failed.id));
      }, []);
    });

    it('tells when it is on disk, not before', async () => {
      const lane = await scene.lane();
      const seen: Promise<number>[] = [];
      scene.store.onWake((wakes) => {
        if (!wakes.some((wake) => laneKey(wake.lane) === laneKey(lane))) return;
        const query = { workspaceId: lane.workspaceId, limit: 9 };
        seen.push(scene.opened.reader.listDeliveries(query).then((deliveries) => deliveries.length));
      });
      await scene.owe(lane, 2);
      await until(() => seen.length > 0);
      assert.deepEqual(await Promise.all(seen), [2]);
    });

    it('hands over all first attempts of a lane that a commit brought, in order, or none of them', async () => {
      for (const count of [1, 3, 500]) {
        const lane = await scene.lane();
        const heard: Wake[] = [];
        scene.store.onWake((wakes) => heard.push(...wakes.filter((wake) => laneKey(wake.lane) === laneKey(lane))));
        await scene.owe(lane, count);
        await until(() => heard.length > 0);
        assert.equal(heard.length, 1);
        const due = await scene.due(lane, 0);
        assert.equal(due.length, count);
        assert.deepEqual(heard[0]?.first, due[0] && { dueAt: due[0].dueAt, seq: due[0].seq });
        const handedOver = heard[0]?.handedOver?.map(({ event, ...delivery }) => {
          const { id, type, occurredAt, dataText } = event;
          return { ...delivery, event: { id, type, occurredAt, dataText } };
        });
        if (handedOver !== undefined) assert.deepEqual(handedOver, due);
      }
    });

    it('tells one listener, the one that was registered last', async () => {
      const heard: string[] = [];
      scene.store.onWake(() => heard.push('first'));
      scene.store.onWake(() => heard.push('second'));
      await scene.owe(await scene.lane());
      await until(() => heard.length > 0);
      assert.deepEqual(heard, ['second']);
    });
  });
}

const NOTHING: News = { first: false, recovered: false, gathering: false, changed: false };

function laneOf({ workspaceId, id }: Webhook): Lane {
  return { workspaceId, webhookId: id };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `came true within ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
