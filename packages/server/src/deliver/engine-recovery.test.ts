import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered } from './fake-send.ts';
import { JobRunner } from './run-jobs.ts';
import { openTestDelivery } from './test-delivery.ts';

/* What a webhook with `recovery: auto` lost to an outage, from the circuit that closes to the receiver. */

test('what failed during an outage is sent again when the circuit closes, once, over a restart', async (t) => {
  const delivery = await openTestDelivery(t);
  const { store, receivers, workspaceId, clock } = delivery;
  receivers.behave('a.example', () => answered(503));
  const config = { max_concurrency: 1, retry_policy: { max_retries: 0 }, recovery: 'auto' };
  const webhook = await delivery.addWebhook(config);
  await delivery.start();
  const lost = await delivery.publish(webhook, 5);
  for (const id of lost) assert.equal((await delivery.delivery(id)).state, 'failed');
  const [held = ''] = await delivery.publish(webhook);
  await delivery.restart();
  receivers.behave('a.example', () => answered(200));
  await delivery.pass(10_000);
  assert.equal((await delivery.delivery(held)).state, 'delivered');
  assert.equal((await store.listJobs({ workspaceId, limit: 9 })).length, 1);

  const onError = (error: unknown) => delivery.errors.push(error);
  const runner = new JobRunner({ jobs: store, clock, onError });
  runner.start();
  await delivery.pass(10_000);
  await Promise.all([runner.stop(), delivery.pass(1_000)]);
  for (const id of lost) assert.equal((await delivery.delivery(id)).state, 'delivered');
  assert.deepEqual(receivers.sentTo('a.example'), [...lost, held, ...lost]);
  const [job, ...others] = await store.listJobs({ workspaceId, limit: 9 });
  assert.deepEqual([job?.state, job?.requeued, others.length], ['done', 5, 0]);
});

test('what a destination lost is sent again when its circuit closes; what another one lost waits for that', async (t) => {
  const delivery = await openTestDelivery(t);
  const { store, receivers, workspaceId, clock, pass } = delivery;
  for (const host of ['a.example', 'b.example']) receivers.behave(host, () => answered(503));
  const routes = [{ when: { workflow_id: 'b' }, url: 'https://b.example/hook' }];
  const config = { max_concurrency: 1, retry_policy: { max_retries: 0 }, recovery: 'auto', routes };
  const webhook = await delivery.addWebhook(config);
  await delivery.start();
  const own = await delivery.publish(webhook, 5);
  const routed = await delivery.publishTo(webhook, 0, 5);
  const [probe = ''] = await delivery.publishTo(webhook, 0);
  const runner = new JobRunner({ jobs: store, clock, onError: (error) => delivery.errors.push(error) });
  runner.start();
  receivers.behave('b.example', () => answered(200));
  await pass(70_000);
  for (const id of [probe, ...routed]) assert.equal((await delivery.delivery(id)).state, 'delivered');
  for (const id of own) assert.equal((await delivery.delivery(id)).state, 'failed');

  receivers.behave('a.example', () => answered(200));
  await delivery.publish(webhook);
  await pass(400_000);
  for (const id of own) assert.equal((await delivery.delivery(id)).state, 'delivered');
  assert.equal((await store.listJobs({ workspaceId, limit: 9 })).length, 2);
  await Promise.all([runner.stop(), pass(1_000)]);
});
