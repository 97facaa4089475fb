import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { JobTask } from '../domain/job.ts';
import { ALL_FAILED } from '../domain/retry-filter.ts';
import type { Webhook } from '../domain/webhook.ts';
import { newId } from '../ids.ts';
import type { Delivery } from '../store/store.ts';
import { answered, type Behaviour, type SentRequest } from './fake-send.ts';
import { JobRunner } from './run-jobs.ts';
import { laneOf, openTestDelivery, type TestDelivery } from './test-delivery.ts';

/*
 * A receiver takes nothing for an hour, under a steady stream of events, and is well again: what becomes of the events. At first
 * it is overloaded, which opens no circuit, so that deliveries use up their attempts; then it is gone.
 */

const MINUTE_MS = 60_000;
const WELL_BEFORE_MS = 5 * MINUTE_MS;
const OVERLOADED_MS = 18 * MINUTE_MS;
const GONE_MS = 42 * MINUTE_MS;
const WELL_AFTER_MS = 15 * MINUTE_MS;
const EVENT_EVERY_MS = 2_000;
const SLOTS = 8;
/** First attempts, and those that follow: the latter would crowd out the others if they had more than their share of slots. */
const ANSWER_MS = 400;
const LATE_ANSWER_MS = 1_200;

/** The longest wait for a probe; then what was held flows. */
const LONGEST_PROBE_MS = 5 * MINUTE_MS;
/** What the first attempts of the outage need when they may have three starts of four, and the ramp before. */
const DRAINED_MS = 2.5 * MINUTE_MS;

interface Outage extends TestDelivery {
  runner: JobRunner;
  webhook: Webhook;
  /** A delivery that was refused for good before. */
  refused: string;
  /** Ids in the order of their publishing. */
  published: string[];
  publishedAt: Map<string, number>;
  openedAt: number;
  /** The receiver was well again. */
  backAt: number;
  /** The first answer after that. */
  closedAt: number;
  deliveries(): Promise<Delivery[]>;
  /** Requests from the first probe that was answered on, which is among them. */
  afterwards(): SentRequest[];
}

async function liveThroughOutage(t: TestContext, config: Record<string, unknown>): Promise<Outage> {
  const delivery = await openTestDelivery(t);
  const { clock, receivers, store, errors, pass, publish } = delivery;
  const runner = new JobRunner({ jobs: store, clock, onError: (error) => errors.push(error) });
  t.after(() => runner.stop());
  const webhook = await delivery.addWebhook({ max_concurrency: SLOTS, signature_scheme: 'timestamped', ...config });
  await delivery.start();
  runner.start();

  receivers.behave('a.example', () => answered(404));
  const [refused = ''] = await publish(webhook);
  const published: string[] = [];
  const publishedAt = new Map<string, number>();
  const stream = async (ms: number) => {
    for (const end = clock.now() + ms; clock.now() < end; await pass(EVENT_EVERY_MS)) {
      for (const id of await publish(webhook)) {
        published.push(id);
        publishedAt.set(id, clock.now());
      }
    }
  };
  receivers.behave('a.example', WELL);
  await stream(WELL_BEFORE_MS);
  receivers.behave('a.example', ({ headers }) => answered(Number(headers['x-broxi-attempt']) % 2 === 1 ? 429 : 503));
  await stream(OVERLOADED_MS);
  receivers.behave('a.example', () => answered(503));
  await stream(GONE_MS);
  const [known] = await store.listDestinations(webhook.workspaceId, webhook.id);
  assert.ok(known?.circuit.state === 'open');
  const backAt = clock.now();
  receivers.behave('a.example', WELL);
  await stream(WELL_AFTER_MS);

  const from = receivers.requests.findIndex(({ at }) => at >= backAt);
  const closedAt = endOf(receivers.requests[from]);
  return {
    ...delivery,
    runner,
    webhook,
    refused,
    published,
    publishedAt,
    openedAt: known.circuit.since,
    backAt,
    closedAt,
    deliveries: () => Promise.all(published.map((id) => delivery.delivery(id))),
    afterwards: () => receivers.requests.slice(from),
  };
}

const WELL: Behaviour = (request) => ({ afterMs: answerMs(request), result: answered(200) });
const answerMs = (request: SentRequest) => (attemptOf(request) === 1 ? ANSWER_MS : LATE_ANSWER_MS);
const endOf = (request: SentRequest | undefined) =>
  request === undefined ? Number.NaN : request.at + answerMs(request);
const attemptOf = ({ headers }: SentRequest) => Number(headers['x-broxi-attempt']);
const idsOf = (requests: readonly SentRequest[]) => requests.map(({ deliveryId }) => deliveryId);

/** How many of these requests were in the air when one of them began, itself included. */
function inTheAir(requests: readonly SentRequest[], { at }: SentRequest): number {
  return requests.filter((other) => other.at <= at && endOf(other) > at).length;
}

/** No more at a time than the ramp and the slots allow, and never the old ones before the new ones. */
function assertNotFlooded({ publishedAt, published, closedAt, backAt, afterwards }: Outage): void {
  const requests = afterwards();
  assert.ok(closedAt - backAt <= LONGEST_PROBE_MS + LATE_ANSWER_MS, 'it is probed every five minutes');
  for (const [i, request] of requests.entries()) {
    const seconds = Math.floor((request.at - closedAt) / 1_000);
    const width = Math.min(SLOTS, 2 ** Math.max(0, seconds));
    const found = inTheAir(requests.slice(0, i + 1), request);
    assert.ok(found <= width, `${found} in the air ${seconds} s after the circuit closed`);
  }

  const sentAt = new Map(requests.filter((one) => attemptOf(one) === 1).map((one) => [one.deliveryId, one.at]));
  const lateOnes = published.filter((id) => sentAt.has(id));
  assert.deepEqual(idsOf(requests.filter((one) => attemptOf(one) === 1)), lateOnes, 'first attempts: oldest first');
  // From the first one on that was sent before the next one was published, none waited any more.
  const last = lateOnes.find((id, i) => sentAtOf(id) < Number(publishedAt.get(lateOnes[i + 1] ?? '')));
  const drainedAt = sentAtOf(last ?? '');
  assert.ok(drainedAt - closedAt <= DRAINED_MS, `${drainedAt - closedAt} ms until none waited`);
  const whileFirstOnesWait = requests.filter(({ at }) => at > closedAt && at < drainedAt);
  const old = whileFirstOnesWait.filter((one) => attemptOf(one) > 1);
  for (const [i, request] of old.entries()) {
    const found = inTheAir(old.slice(0, i + 1), request);
    assert.ok(found <= SLOTS / 4, `${found} old ones in the air while first attempts waited`);
  }
  assert.ok(old.length <= whileFirstOnesWait.length / 4 + 1, `${old.length} old ones of ${whileFirstOnesWait.length}`);
  // Nothing that is new waits from then on, whatever is still recovered beside it.
  for (const id of published.filter((one) => Number(publishedAt.get(one)) > drainedAt)) {
    assert.ok(sentAtOf(id) - Number(publishedAt.get(id)) <= LATE_ANSWER_MS, 'a new one goes with the next free slot');
  }

  function sentAtOf(id: string): number {
    return sentAt.get(id) ?? Number.NaN;
  }
}

/** Deliveries whose attempts were all made before the circuit opened: nothing else can be lost to an outage. */
async function exhausted({ published, store, webhook, openedAt }: Outage, attemptsAllowed: number): Promise<string[]> {
  const ids: string[] = [];
  for (const id of published) {
    const attempts = await store.listAttempts(webhook.workspaceId, id);
    const before = attempts.filter(({ startedAt }) => startedAt <= openedAt);
    if (before.length === attemptsAllowed && before.every(({ outcome }) => outcome === 'retryable')) ids.push(id);
  }
  return ids;
}

const failedOf = (deliveries: readonly Delivery[]) =>
  deliveries.filter(({ state }) => state === 'failed').map(({ id }) => id);

test('recovery auto: everything arrives, what had failed too: oldest first, behind what is new, at a ramp', async (t) => {
  const outage = await liveThroughOutage(t, { recovery: 'auto' });
  const lost = await exhausted(outage, 4);
  assert.ok(lost.length > 400);
  assert.deepEqual(new Set((await outage.deliveries()).map(({ state }) => state)), new Set(['delivered']));
  const recovered = outage.afterwards().filter((one) => lost.includes(one.deliveryId));
  assert.deepEqual(idsOf(recovered), lost, 'each once, oldest first');
  assert.equal((await outage.delivery(outage.refused)).state, 'failed', 'no outage was to blame');
  assertNotFlooded(outage);
});

test('schedule extended: everything arrives by itself', async (t) => {
  const outage = await liveThroughOutage(t, { retry_policy: { schedule: 'extended' } });
  assert.deepEqual(await exhausted(outage, 8), []);
  assert.deepEqual(new Set((await outage.deliveries()).map(({ state }) => state)), new Set(['delivered']));
  assertNotFlooded(outage);
  assert.deepEqual(await outage.store.listJobs({ workspaceId: outage.workspaceId, limit: 9 }), []);
});

test('the default: what had used up its attempts when the circuit opened is failed, and one call brings it', async (t) => {
  const outage = await liveThroughOutage(t, {});
  const lost = await exhausted(outage, 4);
  assert.ok(lost.length > 400);
  assert.deepEqual(failedOf(await outage.deliveries()), lost);
  assertNotFlooded(outage);
  for (const { id, state } of await outage.deliveries()) assert.equal(state === 'delivered', !lost.includes(id));

  const { store, commit, workspaceId, clock, pass, receivers } = outage;
  const since = Number(outage.publishedAt.get(lost[0] ?? ''));
  const task: JobTask = { kind: 'retry', filter: { ...ALL_FAILED, finishedFrom: since } };
  const estimate = await store.estimateJob(workspaceId, task);
  assert.equal(estimate.count, lost.length);
  const before = receivers.requests.length;
  const calledAt = clock.now();
  await commit(store.createJob({ workspaceId, id: newId('job'), task, estimate }));
  outage.runner.wake();
  await pass(5 * MINUTE_MS);
  assert.deepEqual(idsOf(receivers.requests.slice(before)), lost, 'each once, oldest first');
  const tookMs = Number(receivers.requests.at(-1)?.at) - calledAt;
  assert.ok(tookMs <= 1.1 * lost.length * (LATE_ANSWER_MS / SLOTS), `as fast as its slots allow, not ${tookMs} ms`);
  assert.deepEqual(failedOf(await outage.deliveries()), []);
  assert.equal(
    (await store.loadLane(laneOf(outage.webhook)))?.destinations.get(outage.webhook.config.url)?.circuit.state,
    'closed',
  );
});
