import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Destination, type Lane, UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import type { StoreHarness } from './harness.ts';
import { JobRuns } from './job-runs.ts';
import { answered, nextAttempt, REFUSED, SAMPLE_URL, sampleChange, sampleConfig, sampleTest } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** With `recovery: auto`, what was lost to an outage is put back once the outage is over. */
export function testOutageRecovery(harness: StoreHarness): void {
  describe('recovery by itself', () => {
    const scene = new Scene(harness);
    const runs = new JobRuns(scene);
    const webhook = async (recovery = 'auto') => {
      const lane = await scene.lane();
      await scene.store.putWebhook(sampleChange(lane, { config: sampleConfig({ recovery }) }));
      return lane;
    };
    const learned = (changes: Partial<Destination>) => ({
      url: SAMPLE_URL,
      value: { ...UNKNOWN_DESTINATION, ...changes },
    });
    const opened = () => {
      const now = scene.clock.now();
      return learned({ circuit: { state: 'open', since: now, failedProbes: 0, nextProbeAt: now + 5_000 } });
    };
    const answeredAgain = () => learned({ circuit: { state: 'half_open', since: 0, width: 1, widenAt: 1_000 } });
    const settle = async (lane: Lane, destination: ReturnType<typeof learned>) => {
      const [id = ''] = await scene.owe(lane);
      const delivery = (await scene.due(lane, 0)).find((one) => one.id === id);
      assert.ok(delivery);
      await scene.settle(delivery, { state: 'delivered' }, { destination });
    };
    const outage = async (lane: Lane, during: () => Promise<string[]>) => {
      await settle(lane, opened());
      const lost = await during();
      scene.clock.step(1_000);
      await settle(lane, answeredAgain());
      return lost;
    };
    const jobsOf = ({ workspaceId }: Lane) => scene.read((reads) => reads.listJobs({ workspaceId, limit: 9 }));

    it('puts back what failed since it began, and nothing from before', async () => {
      const lane = await webhook();
      await scene.fail(lane, 2);
      scene.clock.step(60_000);
      const lost = await outage(lane, async () => [
        ...(await scene.fail(lane, 2, answered(503))),
        ...(await scene.fail(lane, 1, REFUSED)),
      ]);
      const [job, ...others] = await jobsOf(lane);
      assert.ok(job);
      assert.deepEqual(others, []);
      assert.equal((await runs.finish(job)).job.requeued, 3);
      assert.deepEqual(idsOf(await scene.due(lane, 2)), lost);
    });

    it('begins with the first failure after the last success', async () => {
      const lane = await webhook();
      const since = scene.clock.now();
      const lost = await scene.fail(lane);
      scene.clock.step(9_000);
      const failing = { since, attempts: 5, days: 1, latestAt: since };
      const { value } = opened();
      await settle(lane, learned({ ...value, failing }));
      await settle(lane, answeredAgain());
      const [job] = await jobsOf(lane);
      assert.ok(job);
      await runs.finish(job);
      assert.deepEqual(idsOf(await scene.due(lane, 2)), lost);
    });

    describe('of one of several destinations', () => {
      const ROUTE_URL = 'https://route.example/hook';
      const FALLBACK_URL = 'https://fallback.example/hook';
      /** A webhook that lost one delivery at its own URL and one at a route; which of these is over, decides what comes back. */
      const lostAtBoth = async () => {
        const lane = await scene.lane();
        const config = { recovery: 'auto', routes: [{ when: { run_id: 'b' }, url: ROUTE_URL }] };
        await scene.store.putWebhook(
          sampleChange(lane, { config: sampleConfig({ ...config, fallback_url: FALLBACK_URL }) }),
        );
        for (const url of [SAMPLE_URL, ROUTE_URL, FALLBACK_URL]) await settle(lane, { ...opened(), url });
        return { lane, own: await failAt(lane, [SAMPLE_URL]), routed: await failAt(lane, [ROUTE_URL]) };
      };
      /** A delivery that failed after an attempt at each of these URLs; at the last one with this answer. */
      const failAt = async (lane: Lane, urls: readonly string[], last = answered(503)) => {
        const [id = ''] = await scene.owe(lane);
        for (const [i, url] of urls.entries()) {
          const delivery = (await scene.waiting(lane)).find((one) => one.id === id);
          assert.ok(delivery);
          const isLast = i === urls.length - 1;
          const attempt = { ...nextAttempt(delivery, isLast ? last : answered(503)), url };
          const dueAt = scene.clock.now() + 1;
          const goesOn = { state: 'pending', dueAt, atFallback: true } as const;
          await scene.settle(delivery, isLast ? { state: 'failed', reason: 'gave up' } : goesOn, { attempt });
        }
        return id;
      };
      const recovered = async (lane: Lane, url: string) => {
        scene.clock.step(1_000);
        await settle(lane, { ...answeredAgain(), url });
        const [job] = await jobsOf(lane);
        assert.ok(job);
        assert.equal(job.task.kind === 'retry' && job.task.filter.outageOf, url);
        await runs.finish(job);
        return new Set(idsOf(await scene.due(lane, 2)));
      };

      it('puts back what was lost there, and leaves what another one lost', async () => {
        const { lane, own, routed } = await lostAtBoth();
        assert.deepEqual(await recovered(lane, ROUTE_URL), new Set([routed]));
        assert.deepEqual(await recovered(lane, SAMPLE_URL), new Set([routed, own]));
      });

      it('also what the fallback did not take either, whatever it said, and what was lost there', async () => {
        const { lane, own } = await lostAtBoth();
        const both = await failAt(lane, [SAMPLE_URL, FALLBACK_URL]);
        const atOwn = await failAt(lane, [SAMPLE_URL, FALLBACK_URL], answered(404));
        assert.deepEqual(await recovered(lane, FALLBACK_URL), new Set([both]));
        assert.deepEqual(await recovered(lane, SAMPLE_URL), new Set([both, atOwn, own]));
      });
    });

    it('leaves what failed for another reason', async () => {
      const lane = await webhook();
      await outage(lane, () => scene.fail(lane, 2, answered(429)));
      const [job] = await jobsOf(lane);
      assert.ok(job);
      assert.equal((await runs.finish(job)).job.requeued, 0);
    });

    it('makes one job for each outage, and none where nothing failed or nobody asked for it', async () => {
      const lane = await webhook();
      await outage(lane, async () => []);
      assert.deepEqual(await jobsOf(lane), []);
      await outage(lane, () => scene.fail(lane));
      await settle(lane, learned({}));
      assert.equal((await jobsOf(lane)).length, 1);
      await outage(lane, () => scene.fail(lane));
      assert.equal((await jobsOf(lane)).length, 2);
      const manual = await webhook('manual');
      await outage(manual, () => scene.fail(manual));
      assert.deepEqual(await jobsOf(manual), []);
    });

    it('makes none while probes fail', async () => {
      const lane = await webhook();
      await settle(lane, opened());
      await scene.fail(lane);
      scene.clock.step(5_000);
      await settle(lane, opened());
      assert.deepEqual(await jobsOf(lane), []);
    });

    it('also after a test that closed the circuit', async () => {
      const lane = await webhook();
      await settle(lane, opened());
      await scene.fail(lane);
      await scene.store.recordTest(sampleTest(lane, { destination: answeredAgain() }));
      assert.equal((await jobsOf(lane)).length, 1);
    });

    it('comes with the outcome alone: a fence that is lost makes no job', async () => {
      const lane = await webhook();
      await settle(lane, opened());
      await scene.fail(lane);
      await scene.owe(lane);
      const delivery = await scene.take(lane);
      await scene.settle(delivery, { state: 'delivered' });
      assert.equal(await scene.settle(delivery, { state: 'delivered' }, { destination: answeredAgain() }), false);
      assert.deepEqual(await jobsOf(lane), []);
    });
  });
}
