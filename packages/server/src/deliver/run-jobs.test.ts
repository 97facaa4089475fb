import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { JobTask } from '../domain/job.ts';
import { ALL_FAILED } from '../domain/retry-filter.ts';
import type { Webhook } from '../domain/webhook.ts';
import { newId } from '../ids.ts';
import { answered } from './fake-send.ts';
import { JobRunner } from './run-jobs.ts';
import { openTestDelivery, type TestDelivery } from './test-delivery.ts';

const ESTIMATE = { count: 0, isMinimum: false, oldestAt: null, newestAt: null };
const RETRY_ALL: JobTask = { kind: 'retry', filter: ALL_FAILED };

interface TestJobs extends TestDelivery {
  runner: JobRunner;
  createJob(task?: JobTask): Promise<string>;
  job(id: string): Promise<{ state: string; requeued: number }>;
  /** Events of which every delivery failed, at once. @returns the deliveries' ids */
  fail(webhook: Webhook, count: number): Promise<string[]>;
}

async function openTestJobs(t: TestContext): Promise<TestJobs> {
  const delivery = await openTestDelivery(t);
  const { store, clock, errors, commit, workspaceId, receivers } = delivery;
  const openRunner = () => new JobRunner({ jobs: store, clock, onError: (error) => errors.push(error) });
  const jobs = {
    ...delivery,
    runner: openRunner(),
    async createJob(task = RETRY_ALL) {
      const job = await commit(store.createJob({ workspaceId, id: newId('job'), task, estimate: ESTIMATE }));
      assert.ok(job);
      jobs.runner.wake();
      return job.id;
    },
    async job(id: string) {
      const job = await store.getJob(workspaceId, id);
      assert.ok(job);
      return job;
    },
    async fail(webhook: Webhook, count: number) {
      const { host } = new URL(webhook.config.url);
      receivers.behave(host, () => answered(404));
      const ids: string[] = [];
      for (let left = count; left > 0; left -= 500) ids.push(...(await delivery.publish(webhook, Math.min(left, 500))));
      await delivery.pass(1_000);
      receivers.behave(host, () => answered(204));
      receivers.requests.length = 0;
      return ids;
    },
    async restart() {
      await Promise.all([jobs.runner.stop(), clock.advance(0)]);
      await delivery.restart();
      jobs.runner = openRunner();
      jobs.runner.start();
    },
  };
  t.after(() => jobs.runner.stop());
  await delivery.start();
  jobs.runner.start();
  return jobs;
}

test('sends everything that failed again, oldest first, and is done', async (t) => {
  const jobs = await openTestJobs(t);
  const ids = await jobs.fail(await jobs.addWebhook(), 120);
  const id = await jobs.createJob();
  await jobs.pass(60_000);
  assert.deepEqual(jobs.receivers.sentTo('a.example'), ids);
  assert.deepEqual([(await jobs.job(id)).state, (await jobs.job(id)).requeued], ['done', 120]);
  for (const each of ids) assert.equal((await jobs.delivery(each)).state, 'delivered');
});

test('a receiver that takes all at once gets it at a ramp', async (t) => {
  const jobs = await openTestJobs(t);
  await jobs.fail(await jobs.addWebhook({ max_concurrency: 1_000 }), 3_500);
  await jobs.createJob();
  const from = jobs.clock.now();
  await jobs.pass(60_000);
  const inSecond = new Map<number, number>();
  for (const { at } of jobs.receivers.requests) {
    const second = Math.floor((at - from) / 1000);
    inSecond.set(second, (inSecond.get(second) ?? 0) + 1);
  }
  const counts = [...inSecond.values()];
  assert.equal(jobs.receivers.requests.length, 3_500);
  assert.ok(Math.max(...counts.slice(0, 9)) <= 100, `first ten seconds: ${counts.slice(0, 9)}`);
  assert.ok(Math.max(...counts.slice(11, 19)) > 150, `next ten seconds: ${counts.slice(11, 19)}`);
  assert.ok(Math.max(...counts.slice(0, 19)) <= 200);
});

test('a receiver that hangs has no more waiting than the window, and another one is not held up by it', async (t) => {
  const jobs = await openTestJobs(t);
  const slow = await jobs.addWebhook({ max_concurrency: 1 });
  const quick = await jobs.addWebhook({ url: 'https://b.example/hook' });
  await jobs.fail(slow, 200);
  const ids = await jobs.fail(quick, 200);
  jobs.receivers.behave('a.example', () => 'hang');
  await jobs.createJob();
  await jobs.pass(9_000);
  assert.deepEqual(jobs.receivers.sentTo('b.example'), ids);
  const waiting = await jobs.store.listDeliveries({
    workspaceId: jobs.workspaceId,
    webhookId: slow.id,
    state: 'pending',
    limit: 1_000,
  });
  assert.equal(waiting.length, 50);
});

test('new events go before what is recovered', async (t) => {
  const jobs = await openTestJobs(t);
  const webhook = await jobs.addWebhook({ max_concurrency: 1 });
  const old = await jobs.fail(webhook, 40);
  jobs.receivers.behave('a.example', () => ({ afterMs: 10, result: answered(204) }));
  await jobs.createJob();
  await jobs.pass(5);
  const fresh = await jobs.publish(webhook, 40);
  await jobs.pass(60_000);
  const order = jobs.receivers.sentTo('a.example');
  assert.deepEqual(
    order.filter((id) => old.includes(id)),
    old,
    'oldest first',
  );
  const lastFresh = order.findLastIndex((id) => fresh.includes(id));
  const oldBefore = order.slice(0, lastFresh).filter((id) => old.includes(id)).length;
  // While both wait, every fourth turn belongs to the old ones.
  assert.ok(oldBefore <= 40 / 3 + 3, `${oldBefore} old ones before the last of 40 new ones`);
});

test('what fails again is not taken up again by the same job', async (t) => {
  const jobs = await openTestJobs(t);
  const ids = await jobs.fail(await jobs.addWebhook(), 130);
  jobs.receivers.behave('a.example', () => answered(404));
  const id = await jobs.createJob();
  await jobs.pass(120_000);
  assert.deepEqual(jobs.receivers.sentTo('a.example'), ids, 'each once');
  assert.equal((await jobs.job(id)).state, 'done');
  assert.equal((await jobs.delivery(ids[0] ?? '')).attempts, 2);
});

test('a restart in the middle neither loses nor repeats anything', async (t) => {
  const jobs = await openTestJobs(t);
  const ids = await jobs.fail(await jobs.addWebhook(), 900);
  const id = await jobs.createJob();
  for (const ms of [0, 700, 1_300, 900]) {
    await jobs.pass(ms);
    await jobs.restart();
  }
  assert.equal((await jobs.job(id)).state, 'running');
  await jobs.pass(60_000);
  assert.deepEqual([(await jobs.job(id)).state, (await jobs.job(id)).requeued], ['done', 900]);
  assert.deepEqual(jobs.receivers.sentTo('a.example'), ids);
});

test('a job that is cancelled puts nothing back any more', async (t) => {
  const jobs = await openTestJobs(t);
  await jobs.fail(await jobs.addWebhook(), 300);
  const id = await jobs.createJob();
  await jobs.pass(600);
  await jobs.commit(jobs.store.cancelJob(jobs.workspaceId, id));
  const { requeued } = await jobs.job(id);
  assert.ok(requeued > 0 && requeued < 300);
  await jobs.pass(60_000);
  assert.equal(jobs.receivers.requests.length, requeued);
});

test('a backfill sends what was published while the webhook took nothing', async (t) => {
  const jobs = await openTestJobs(t);
  const { workspaceId, clock, store, commit } = jobs;
  const since = clock.now();
  const other = await jobs.addWebhook({ url: 'https://b.example/hook' });
  await jobs.publish(other, 70);
  const late = await jobs.addWebhook();
  const task: JobTask = { kind: 'backfill', webhookId: late.id, since };
  await jobs.createJob(task);
  await jobs.createJob(task);
  await jobs.pass(60_000);
  assert.equal(jobs.receivers.sentTo('a.example').length, 70);
  const events = await store.listEvents({ workspaceId, limit: 1_000 });
  const sent = jobs.receivers.requests.filter(({ host }) => host === 'a.example');
  assert.deepEqual(
    sent.map(({ headers }) => headers['x-broxi-event-id']),
    events.map(({ id }) => id).reverse(),
  );
  assert.deepEqual(await commit(store.unfinishedJobs()), []);
});
