import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Job, MOST_UNFINISHED_JOBS } from '../../domain/job.ts';
import { ALL_FAILED } from '../../domain/retry-filter.ts';
import type { StoreHarness } from './harness.ts';
import { JobRuns } from './job-runs.ts';
import { sampleJob } from './samples.ts';
import { idsOf, Scene } from './scene.ts';

/** What jobs of any kind have in common. */
export function testJobs(harness: StoreHarness): void {
  describe('jobs', () => {
    const scene = new Scene(harness);
    const runs = new JobRuns(scene);
    const list = (workspaceId: string, query: { before?: string; limit?: number } = {}) =>
      scene.read((reads) => reads.listJobs({ workspaceId, limit: 99, ...query }));

    it('keeps a job as it was made', async () => {
      const workspaceId = await scene.workspace();
      const estimate = { count: 3, isMinimum: true, oldestAt: 1, newestAt: null };
      const made = sampleJob(workspaceId, { estimate, filter: { runId: 'run_ü', status: 503 } });
      const expected: Job = {
        ...made,
        state: 'pending',
        matched: 0,
        requeued: 0,
        skipped: 0,
        createdAt: scene.clock.now(),
        finishedAt: null,
      };
      assert.deepEqual(await scene.store.createJob(made), expected);
      assert.deepEqual(await runs.read(expected), expected);
      await scene.opened.reopen();
      assert.deepEqual(await runs.read(expected), expected);
      assert.equal(await scene.store.getJob(workspaceId, 'job_unknown'), null);
    });

    it('lists them newest first, page by page, and the unfinished ones oldest first', async () => {
      const workspaceId = await scene.workspace();
      const jobs: Job[] = [];
      for (let i = 0; i < 4; i += 1) {
        jobs.push(await runs.create(workspaceId, { kind: 'retry', filter: ALL_FAILED }));
        scene.clock.step(1_000);
      }
      const [a, b, c, d] = idsOf(jobs);
      assert.ok(a && b && c && d && jobs[1]);
      assert.deepEqual(idsOf(await list(workspaceId)), [d, c, b, a]);
      assert.deepEqual(idsOf(await list(workspaceId, { before: c, limit: 1 })), [b]);
      await runs.finish(jobs[1]);
      const unfinished = (await scene.store.unfinishedJobs()).filter((job) => job.workspaceId === workspaceId);
      assert.deepEqual(idsOf(unfinished), [a, c, d]);
    });

    it('is over at once where there is nothing to do', async () => {
      const job = await runs.create(await scene.workspace(), { kind: 'retry', filter: ALL_FAILED });
      scene.clock.step(1_000);
      assert.deepEqual(await runs.step(job), { next: null, requeued: 0, isFull: false });
      assert.deepEqual(await runs.read(job), { ...job, state: 'done', finishedAt: scene.clock.now() });
    });

    it('takes no step of a job that is cancelled, done or unknown, and cancels it once', async () => {
      const lane = await scene.lane();
      const failed = await scene.fail(lane, 4);
      const job = await runs.create(lane.workspaceId, { kind: 'retry', filter: ALL_FAILED });
      await runs.step(job, { window: 2 });
      assert.equal((await runs.read(job)).state, 'running');
      scene.clock.step(1_000);
      assert.equal(await scene.store.cancelJob(job.workspaceId, job.id), true);
      const cancelled = { ...job, state: 'cancelled', matched: 2, requeued: 2, finishedAt: scene.clock.now() };
      assert.deepEqual(await runs.read(job), cancelled);
      assert.deepEqual(await runs.step(job), { next: null, requeued: 0, isFull: false });
      scene.clock.step(1_000);
      assert.equal(await scene.store.cancelJob(job.workspaceId, job.id), false);
      assert.equal(await scene.store.cancelJob(job.workspaceId, 'job_unknown'), false);
      assert.deepEqual(await runs.read(job), cancelled);
      assert.deepEqual(idsOf(await scene.waiting(lane)), failed.slice(0, 2), 'what was put back stays owed');
      const done = await runs.create(lane.workspaceId, { kind: 'retry', filter: ALL_FAILED });
      await runs.finish(done);
      assert.equal(await scene.store.cancelJob(done.workspaceId, done.id), false);
      assert.equal((await runs.read(done)).state, 'done');
    });

    it('takes so many unfinished ones of a workspace, and no more', async () => {
      const workspaceId = await scene.workspace();
      for (let i = 0; i < MOST_UNFINISHED_JOBS; i += 1) await scene.store.createJob(sampleJob(workspaceId));
      assert.equal(await scene.store.createJob(sampleJob(workspaceId)), null);
      assert.equal((await list(workspaceId)).length, MOST_UNFINISHED_JOBS);
      assert.ok(await scene.store.createJob(sampleJob(await scene.workspace())), 'others have their own');
      const [last] = await list(workspaceId);
      assert.ok(last && (await scene.store.cancelJob(workspaceId, last.id)));
      assert.ok(await scene.store.createJob(sampleJob(workspaceId)));
    });
  });
}
