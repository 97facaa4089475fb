import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NextStep } from '../../domain/delivery.ts';
import { type Lane, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import type { QueuedDelivery } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { answered, nextAttempt, REFUSED, SAMPLE_AT, SAMPLE_URL, sampleAttempt } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** Writing outcomes, and the fence that lets only one of them be written. */
export function testSettle(harness: StoreHarness): void {
  describe('settle', () => {
    const scene = new Scene(harness);
    const taken = async () => {
      const lane = await scene.lane();
      await scene.owe(lane);
      return { lane, delivery: await scene.take(lane) };
    };
    const attemptsOf = (lane: Lane, id: string) => scene.read((reads) => reads.listAttempts(lane.workspaceId, id));
    const ENDS: [next: NextStep, state: string, reason: string | null][] = [
      [{ state: 'delivered' }, 'delivered', null],
      [{ state: 'failed', reason: 'all 4 attempts used' }, 'failed', 'all 4 attempts used'],
    ];

    for (const [next, state, reason] of ENDS) {
      it(`ends a delivery as ${state}, with its attempt`, async () => {
        const { lane, delivery } = await taken();
        const before = await scene.delivery(lane, delivery.id);
        scene.clock.step(3_000);
        const attempt = nextAttempt(delivery, answered(state === 'delivered' ? 204 : 410));
        assert.equal(await scene.settle(delivery, next, { attempt }), true);
        const lastStatus = state === 'delivered' ? 204 : 410;
        const ended = { state, reason, attempts: 1, lastStatus, dueAt: null, finishedAt: scene.clock.now() };
        assert.deepEqual(await scene.delivery(lane, delivery.id), { ...before, ...ended });
        assert.deepEqual(await attemptsOf(lane, delivery.id), [attempt]);
        assert.deepEqual(await scene.waiting(lane), []);
      });
    }

    it('puts a delivery off until a retry is due, and says why', async () => {
      const { lane, delivery } = await taken();
      const before = await scene.delivery(lane, delivery.id);
      const attempt = nextAttempt(delivery, answered(503));
      const dueAt = scene.clock.now() + 5_000;
      assert.equal(await scene.settle(delivery, { state: 'pending', dueAt }, { attempt }), true);
      const so = { state: 'pending', reason: attempt.reason, attempts: 1, lastStatus: 503, dueAt, finishedAt: null };
      assert.deepEqual(await scene.delivery(lane, delivery.id), { ...before, ...so });
      assert.deepEqual(await attemptsOf(lane, delivery.id), [attempt]);
      assert.deepEqual(idsOf(await scene.due(lane, 0)), []);
      assert.deepEqual(idsOf(await scene.due(lane, 1)), [delivery.id]);
    });

    it('leads a delivery to the fallback, with a series of its own, and keeps it there until its end', async () => {
      const { lane, delivery } = await taken();
      const dueAt = scene.clock.now() + 1;
      await scene.settle(delivery, { state: 'pending', dueAt });
      await scene.settle(await scene.take(lane), { state: 'pending', dueAt: dueAt + 1, atFallback: true });
      const diverted = await scene.take(lane);
      const { class: deliveryClass, attempts, seriesFrom, atFallback } = diverted;
      assert.deepEqual([deliveryClass, attempts, seriesFrom, atFallback], [1, 2, 2, true]);
      assert.equal((await scene.delivery(lane, delivery.id)).atFallback, true);
      await scene.settle(diverted, { state: 'pending', dueAt: dueAt + 2 });
      await scene.settle(await scene.take(lane), { state: 'pending', dueAt: dueAt + 3, uncharged: true });
      const retry = await scene.take(lane);
      assert.deepEqual([retry.attempts, retry.seriesFrom, retry.atFallback], [4, 3, true]);
      await scene.settle(retry, { state: 'failed', reason: 'gave up' });
      assert.equal((await scene.delivery(lane, delivery.id)).atFallback, true, 'it ended there');
    });

    it('keeps the route that an attempt went', async () => {
      const { lane, delivery } = await taken();
      const attempt = { ...nextAttempt(delivery, answered(204)), route: 4_294_967_295, url: 'https://route.example/' };
      assert.equal(await scene.settle(delivery, { state: 'delivered' }, { attempt }), true);
      assert.deepEqual(await attemptsOf(lane, delivery.id), [attempt]);
    });

    it('keeps every attempt, and the status of the latest one', async () => {
      const { lane, delivery } = await taken();
      const attempts = [answered(500), REFUSED, answered(502, 'x'.repeat(16_384)), answered(200)].map((result, i) =>
        sampleAttempt(i + 1, result),
      );
      const statuses: (number | null)[] = [];
      for (const attempt of attempts) {
        const dueAt = scene.clock.now() + attempt.number;
        const next: NextStep = attempt.number === 4 ? { state: 'delivered' } : { state: 'pending', dueAt };
        assert.equal(await scene.settle(await scene.take(lane), next, { attempt }), true);
        statuses.push((await scene.delivery(lane, delivery.id)).lastStatus);
      }
      assert.deepEqual(await attemptsOf(lane, delivery.id), attempts);
      assert.deepEqual(statuses, [500, null, 502, 200]);
      assert.equal((await scene.delivery(lane, delivery.id)).reason, null, 'what went wrong before is over');
    });

    it('keeps what was learned about the destination', async () => {
      const webhook = await scene.webhook();
      const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
      const known = () => scene.destination(lane);
      await scene.owe(lane, 3);
      const value = {
        ...UNKNOWN_DESTINATION,
        scheme: 'timestamped',
        schemeLearnedAt: SAMPLE_AT,
        notBefore: SAMPLE_AT + 60_000,
      } as const;
      const dueAt = scene.clock.now() + 1_000;
      await scene.settle(
        await scene.take(lane),
        { state: 'pending', dueAt },
        { destination: { url: SAMPLE_URL, value } },
      );
      assert.deepEqual(await known(), value);
      await scene.settle(await scene.take(lane), { state: 'delivered' });
      assert.deepEqual(await known(), value, 'nothing new was learned');
      const destination = { url: SAMPLE_URL, value: UNKNOWN_DESTINATION };
      await scene.settle(await scene.take(lane), { state: 'delivered' }, { destination });
      assert.deepEqual(await known(), UNKNOWN_DESTINATION);
    });

    it('leaves the other deliveries of the lane alone', async () => {
      const lane = await scene.lane();
      await scene.owe(lane, 5);
      const [a, b, ...rest] = await scene.due(lane, 0);
      assert.ok(a && b);
      await scene.settle(b, { state: 'delivered' });
      assert.deepEqual(await scene.due(lane, 0), [a, ...rest]);
    });

    describe('once the fence is lost', () => {
      const LOST: Record<string, (lane: Lane, delivery: QueuedDelivery) => Promise<unknown>> = {
        'it was settled': (_, delivery) => scene.settle(delivery, { state: 'delivered' }),
        'it failed': (_, delivery) => scene.settle(delivery, { state: 'failed', reason: 'first' }),
        'it was put off': (_, delivery) => scene.settle(delivery, { state: 'pending', dueAt: scene.clock.now() + 9 }),
        'it was cancelled': (lane, { id }) => scene.store.cancel({ lane, deliveryId: id, limit: 1, reason: 'test' }),
        'it was cancelled and put back': async (lane, { id }) => {
          await scene.store.cancel({ lane, deliveryId: id, limit: 1, reason: 'test' });
          await scene.store.requeue(lane, id);
        },
      };
      for (const [what, lose] of Object.entries(LOST)) {
        it(`writes nothing, since ${what}`, async () => {
          const webhook = await scene.webhook();
          const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
          await scene.owe(lane);
          const delivery = await scene.take(lane);
          await lose(lane, delivery);
          await assertRefused(lane, delivery);
        });
      }

      it('writes nothing for a delivery of another lane, class or time', async () => {
        const webhook = await scene.webhook();
        const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
        const neighbour = await scene.webhook(lane.workspaceId);
        await scene.owe(lane);
        const delivery = await scene.take(lane);
        const changes = [
          { lane: { ...lane, webhookId: neighbour.id } },
          { lane: { ...lane, workspaceId: 'ws_other' } },
          { class: 1 as const },
          { dueAt: delivery.dueAt + 1 },
          { seq: delivery.seq + 1_000_000 },
        ];
        for (const change of changes) await assertRefused(lane, { ...delivery, ...change });
        assert.equal(await scene.settle(delivery, { state: 'delivered' }), true);
      });

      /** Settles three ways, and finds everything as it was. */
      async function assertRefused(lane: Lane, delivery: QueuedDelivery): Promise<void> {
        const look = async () => ({
          deliveries: await scene.read((reads) => reads.listDeliveries({ workspaceId: lane.workspaceId, limit: 9 })),
          attempts: await attemptsOf(lane, delivery.id),
          waiting: await scene.waiting(lane),
          loaded: await scene.store.loadLane(lane),
          counters: { ...(await scene.store.counters()), commits: 0 },
        });
        const before = await look();
        const value = { ...UNKNOWN_DESTINATION, scheme: 'body', schemeLearnedAt: SAMPLE_AT, notBefore: 7 } as const;
        const steps: NextStep[] = [
          { state: 'delivered' },
          { state: 'failed', reason: 'late' },
          { state: 'pending', dueAt: scene.clock.now() + 77 },
        ];
        for (const next of steps) {
          const attempt = sampleAttempt(9, answered(200));
          const destination = { url: SAMPLE_URL, value };
          assert.equal(await scene.settle(delivery, next, { attempt, destination }), false);
        }
        assert.deepEqual(await look(), before);
      }
    });

    it('lets one of several simultaneous outcomes win', async () => {
      const { lane, delivery } = await taken();
      const steps: NextStep[] = [{ state: 'delivered' }, { state: 'failed', reason: 'x' }, { state: 'delivered' }];
      const settled = await Promise.all(steps.map((next) => scene.settle(delivery, next)));
      assert.equal(settled.filter(Boolean).length, 1);
      assert.equal((await attemptsOf(lane, delivery.id)).length, 1);
      const won = steps[settled.indexOf(true)];
      assert.equal((await scene.delivery(lane, delivery.id)).state, won?.state);
    });

    it('writes the whole outcome or nothing of it', async () => {
      const webhook = await scene.webhook();
      const lane = { workspaceId: webhook.workspaceId, webhookId: webhook.id };
      await scene.owe(lane);
      await scene.settle(await scene.take(lane), { state: 'pending', dueAt: scene.clock.now() + 5 });
      const delivery = await scene.take(lane);
      const before = await scene.delivery(lane, delivery.id);
      const attempt = sampleAttempt(1, answered(200));
      const value = { ...UNKNOWN_DESTINATION, scheme: 'body', schemeLearnedAt: SAMPLE_AT, notBefore: 0 } as const;
      for (const next of ENDS.map(([step]) => step)) {
        const settling = scene.settle(delivery, next, { attempt, destination: { url: SAMPLE_URL, value } });
        await assert.rejects(settling, 'there is an attempt of this number');
      }
      assert.deepEqual(await scene.delivery(lane, delivery.id), before);
      assert.deepEqual(await scene.waiting(lane), [delivery]);
      assert.deepEqual(await scene.destination(lane), UNKNOWN_DESTINATION);
    });
  });
}
