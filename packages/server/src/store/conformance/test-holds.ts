import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HoldChange, NO_HOLD } from '../../domain/hold.ts';
import type { Lane, Webhook } from '../../domain/webhook.ts';
import { NotFoundError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { Settlement } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { answered, nextAttempt, SAMPLE_AT, SAMPLE_URL, sampleAudit, sampleChange, sampleConfig } from './samples.ts';
import { Scene } from './scene.ts';

/** What stops a webhook: a person's pause, and what the engine disables. */
export function testHolds(harness: StoreHarness): void {
  describe('holds', () => {
    const scene = new Scene(harness);
    const holdOf = async (lane: Lane) => (await scene.store.loadLane(lane))?.hold;
    const list = (lane: Lane) => scene.read((reads) => reads.listHolds(lane.workspaceId, lane.webhookId));
    const change = (lane: Lane, what: HoldChange, at = SAMPLE_AT, id?: string) =>
      scene.store.changeHold({ lane, change: what, audit: { ...sampleAudit(lane.workspaceId, id), at } });
    const webhook = async () => laneOf(await scene.webhook());
    const disable = async (lane: Lane, changes: Partial<Settlement> = {}) => {
      await scene.owe(lane);
      const delivery = await scene.take(lane);
      const attempt = nextAttempt(delivery, answered(410));
      const next = { state: 'pending', dueAt: scene.clock.now() + 1, uncharged: true } as const;
      return await scene.settle(delivery, next, { attempt, disable: { reason: 'gone', at: SAMPLE_AT }, ...changes });
    };
    const GONE = { ...NO_HOLD, disabledAt: SAMPLE_AT, disabledReason: 'gone' } as const;

    it('knows of none at first', async () => {
      const lane = await webhook();
      assert.deepEqual(await holdOf(lane), NO_HOLD);
      assert.deepEqual(await list(lane), []);
    });

    it('keeps a pause, and ends it', async () => {
      const lane = await webhook();
      const paused = { ...NO_HOLD, pausedAt: SAMPLE_AT };
      assert.deepEqual(await change(lane, 'pause'), paused);
      assert.deepEqual(await holdOf(lane), paused);
      assert.deepEqual(await list(lane), [{ webhookId: lane.webhookId, ...paused }]);
      const resumed = { ...NO_HOLD, resumedAt: SAMPLE_AT + 5 };
      assert.deepEqual(await change(lane, 'resume', SAMPLE_AT + 5), resumed);
      assert.deepEqual(await holdOf(lane), resumed);
    });

    it('lists those of a webhook, or of all of the workspace', async () => {
      const one = await webhook();
      const other = laneOf(await scene.webhook(one.workspaceId));
      await change(one, 'pause');
      await change(other, 'pause', SAMPLE_AT + 1);
      const all = await scene.read((reads) => reads.listHolds(one.workspaceId));
      assert.deepEqual(new Set(all.map(({ webhookId }) => webhookId)), new Set([one.webhookId, other.webhookId]));
      assert.deepEqual(
        (await list(other)).map(({ pausedAt }) => pausedAt),
        [SAMPLE_AT + 1],
      );
      assert.deepEqual(await list({ ...one, webhookId: 'wh_unknown' }), []);
    });

    it('outlasts a change of the webhook, and changes nothing of it', async () => {
      const saved = await scene.webhook();
      const lane = laneOf(saved);
      await change(lane, 'pause');
      const hold = await holdOf(lane);
      assert.deepEqual((await scene.store.loadLane(lane))?.webhook, saved);
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, secret: 'another secret 1234' }));
      assert.deepEqual(await holdOf(lane), hold);
    });

    it('writes the audit entry with a change, and none where nothing changed', async () => {
      const lane = await webhook();
      const id = newId('aud');
      await change(lane, 'pause', SAMPLE_AT, id);
      await assert.rejects(scene.store.appendAudit(sampleAudit(lane.workspaceId, id)), 'the entry is there already');
      const again = newId('aud');
      await change(lane, 'pause', SAMPLE_AT + 9, again);
      assert.deepEqual((await holdOf(lane))?.pausedAt, SAMPLE_AT);
      await scene.store.appendAudit(sampleAudit(lane.workspaceId, again));
      await assert.rejects(change(lane, 'resume', SAMPLE_AT + 9, id));
      assert.deepEqual((await holdOf(lane))?.pausedAt, SAMPLE_AT, 'not without its entry');
    });

    it('finds nothing to change where there is no webhook, or none any more', async () => {
      const lane = await webhook();
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, deletedAt: SAMPLE_AT }));
      for (const where of [lane, { ...lane, webhookId: 'wh_unknown' }, { ...lane, workspaceId: 'ws_unknown' }]) {
        await assert.rejects(change(where, 'pause'), NotFoundError);
      }
    });

    it('is disabled by an outcome, in one with it, and enabled by a person', async () => {
      const lane = await webhook();
      assert.equal(await disable(lane), true);
      assert.deepEqual(await holdOf(lane), GONE);
      await change(lane, 'pause', SAMPLE_AT + 1);
      assert.deepEqual(await change(lane, 'enable', SAMPLE_AT + 2), {
        ...NO_HOLD,
        pausedAt: SAMPLE_AT + 1,
        resumedAt: SAMPLE_AT + 2,
      });
    });

    it('is disabled by an outcome at the URL of a route, and by none at its fallback', async () => {
      const url = 'https://other.example/hook';
      const attempt = { ...nextAttempt({ attempts: 0 }, answered(410)), url };
      const configured = async (config: object) => {
        const lane = await scene.lane();
        await scene.store.putWebhook(sampleChange(lane, { config: sampleConfig(config) }));
        await disable(lane, { attempt });
        return await holdOf(lane);
      };
      const routes = [{ when: { run_id: 'run_1' }, url }];
      assert.deepEqual(await configured({ routes }), GONE);
      assert.deepEqual(await configured({ fallback_url: url }), NO_HOLD);
      assert.deepEqual(await configured({ routes, fallback_url: url }), GONE);
    });

    it('stays disabled as it was first', async () => {
      const lane = await webhook();
      await disable(lane);
      await disable(lane, { disable: { reason: 'no_success', at: SAMPLE_AT + 1 } });
      assert.deepEqual(await holdOf(lane), GONE);
    });

    it('is not disabled by an outcome from before a person resumed it', async () => {
      const lane = await webhook();
      for (const at of [SAMPLE_AT, SAMPLE_AT + 1]) {
        const resumed = await change(lane, 'resume', at);
        assert.equal(await disable(lane), true);
        assert.deepEqual(await holdOf(lane), resumed);
      }
      await disable(lane, { disable: { reason: 'gone', at: SAMPLE_AT + 2 } });
      assert.equal((await holdOf(lane))?.disabledAt, SAMPLE_AT + 2);
    });

    it('is not disabled by an outcome that came too late, or of a URL that it has no more', async () => {
      const lane = await webhook();
      await scene.owe(lane);
      const delivery = await scene.take(lane);
      await scene.settle(delivery, { state: 'delivered' });
      const late = { disable: { reason: 'gone', at: SAMPLE_AT } } as const;
      assert.equal(await scene.settle(delivery, { state: 'delivered' }, late), false);
      const config = sampleConfig({ url: 'https://other.example/' });
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, config }));
      assert.equal(await disable(lane), true);
      assert.deepEqual(await holdOf(lane), NO_HOLD);
    });
  });

  describe('what is not charged', () => {
    const scene = new Scene(harness);

    it('does not count in the series, and keeps its number', async () => {
      const lane = await scene.lane();
      const [id = ''] = await scene.owe(lane);
      for (const [uncharged, seriesFrom] of [
        [false, 0],
        [true, 1],
        [false, 1],
        [true, 2],
      ] as const) {
        const dueAt = scene.clock.now() + 1;
        await scene.settle(await scene.take(lane), { state: 'pending', dueAt, ...(uncharged && { uncharged }) });
        assert.equal((await scene.take(lane)).seriesFrom, seriesFrom);
      }
      const attempts = await scene.read((reads) => reads.listAttempts(lane.workspaceId, id));
      assert.deepEqual(
        attempts.map(({ number }) => number),
        [1, 2, 3, 4],
      );
    });
  });

  describe('exchanges', () => {
    const scene = new Scene(harness);
    const since = async (lane: Lane, after: number) =>
      (await scene.store.exchangesSince(lane, after)).toSorted((a, b) => a - b);

    it('tells when those of a lane were sent after an instant, whatever became of their deliveries', async () => {
      const lane = await scene.lane();
      const other = await scene.lane(lane.workspaceId);
      assert.deepEqual(await since(lane, 0), []);
      await scene.owe(lane, 4);
      await scene.owe(other);
      const due = await scene.due(lane, 0);
      const sent = (delivery: Settlement['delivery'], offset: number) => {
        const attempt = nextAttempt(delivery, answered(500));
        const exchanges = attempt.exchanges.map((one, i) => ({ ...one, sentAt: scene.clock.now() + offset + i }));
        return { ...attempt, startedAt: scene.clock.now() + offset, exchanges };
      };
      const now = scene.clock.now();
      const [a, b, c] = due;
      assert.ok(a && b && c);
      await scene.settle(a, { state: 'delivered' }, { attempt: sent(a, -10_000) });
      await scene.settle(b, { state: 'failed', reason: 'x' }, { attempt: sent(b, -20) });
      await scene.settle(c, { state: 'pending', dueAt: now + 1_000 }, { attempt: sent(c, -10) });
      const elsewhere = await scene.take(other);
      await scene.settle(elsewhere, { state: 'delivered' }, { attempt: sent(elsewhere, -5) });
      assert.deepEqual(await since(lane, now - 1_000), [now - 20, now - 19, now - 10, now - 9]);
      assert.deepEqual(await since(lane, now - 10), [now - 9], 'an attempt may have begun before');
      assert.equal((await since(lane, now - 20_000)).length, 6);
    });
  });

  describe('the health of a destination', () => {
    const scene = new Scene(harness);

    it('is kept as it was learned', async () => {
      const lane = laneOf(await scene.webhook());
      const failing = { since: SAMPLE_AT, attempts: 12, days: 2, latestAt: SAMPLE_AT + 9 };
      for (const circuit of [
        { state: 'open', since: SAMPLE_AT, failedProbes: 3, nextProbeAt: SAMPLE_AT + 40_000 },
        { state: 'half_open', since: SAMPLE_AT, width: 1, widenAt: SAMPLE_AT + 1_000 },
        { state: 'closed' },
      ] as const) {
        await scene.owe(lane);
        const value = { scheme: null, schemeLearnedAt: 0, notBefore: 0, circuit, failing };
        await scene.settle(await scene.take(lane), { state: 'delivered' }, { destination: { url: SAMPLE_URL, value } });
        assert.deepEqual(await scene.destination(lane), value);
        const listed = await scene.read((reads) => reads.listDestinations(lane.workspaceId, lane.webhookId));
        assert.deepEqual(listed, [{ webhookId: lane.webhookId, url: SAMPLE_URL, ...value }]);
      }
    });
  });
}

function laneOf({ workspaceId, id }: Webhook): Lane {
  return { workspaceId, webhookId: id };
}
