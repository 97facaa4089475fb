import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { arrivalRate } from './arrival-log.ts';
import { BenchError } from './bench-error.ts';
import { fillQueue } from './fill-queue.ts';
import type { NginxReceiver } from './nginx.ts';
import { forgetPeak, memoryOf } from './process-usage.ts';
import type { ProcessGroup } from './processes.ts';
import { createWebhook, newApiKey, type ServerOptions, startServer } from './start-system.ts';
import { waitUntilAtRest, waitUntilSettled } from './system.ts';

/** Exchanges that all webhooks together may have under way: more than the machine can use, less than a listen queue holds. */
const SLOTS = 1_000;

/** A server at rest gives back what only the filling needed. */
const REST_MS = 24_000;

/** The fields of a webhook that outlasts the silence: an attempt that times out meanwhile is made again soon after. */
const PATIENT = { timeout: 60, retry_policy: { max_retries: 50, retry_delay: 1, exponential_backoff: false } };

export interface DrainCase {
  pending: number;
  webhooks: number;
  fillSeconds: number;
  /** The most memory that the server used up to the end of the filling. */
  peakWhileFillingBytes: number;
  /** Memory of the server with everything pending, some seconds at rest. */
  rssWhilePendingBytes: number;
  /** The most memory that the draining server used from the release on. */
  peakMemoryBytes: number;
  /** From the end of the silence to the first arrival. */
  firstArrivalMs: number;
  arrived: number;
  arrivedTwice: number;
  missing: number;
  /** `arrived` by the time from the first arrival to the last. */
  drainedPerSecond: number;
  /** The same of the first arrivals alone, as many as the smallest case has: what is fair to compare between the cases. */
  firstDrainedPerSecond: number;
}

export interface DrainPlan {
  pending: number;
  webhooks: number;
  /** How many arrivals `firstDrainedPerSecond` looks at. */
  firstArrivals: number;
  serverEntry: string;
  /** Removed at the end. */
  directory: string;
}

/** Fills the queue of a new server while nothing is delivered, then lets it drain. */
export async function measureDrain(group: ProcessGroup, receiver: NginxReceiver, plan: DrainPlan): Promise<DrainCase> {
  const options: ServerOptions = { entry: plan.serverEntry, directory: plan.directory, apiKey: newApiKey() };
  const server = await startServer(group, options);
  for (let n = 0; n < plan.webhooks; n += 1) {
    const fields = { ...PATIENT, max_concurrency: Math.ceil(SLOTS / plan.webhooks) };
    await createWebhook(server, `${receiver.origin}/hook/${n}`, fields);
  }
  await receiver.silence();

  const fillStartedAt = performance.now();
  await fillQueue(server, plan);
  const fillSeconds = (performance.now() - fillStartedAt) / 1000;
  await waitUntilAtRest(server);
  const { peak: peakWhileFilling } = await memoryOf(server.process.pid);
  await sleep(REST_MS);
  const { rss } = await memoryOf(server.process.pid);
  await forgetPeak(server.process.pid);

  const releasedAt = Date.now();
  await receiver.speak();
  await waitUntilSettled(server, plan.pending);
  const { times, duplicates } = await receiver.arrivals.collect(plan.pending);
  const { peak } = await memoryOf(server.process.pid);
  await server.process.stop();
  await rm(plan.directory, { recursive: true });

  const first = times[0];
  if (first === undefined) throw new BenchError(`Of ${plan.pending} pending deliveries none arrived.`);
  return {
    pending: plan.pending,
    webhooks: plan.webhooks,
    fillSeconds,
    peakWhileFillingBytes: peakWhileFilling,
    rssWhilePendingBytes: rss,
    peakMemoryBytes: peak,
    firstArrivalMs: first * 1000 - releasedAt,
    arrived: times.length,
    arrivedTwice: duplicates,
    missing: plan.pending - times.length,
    drainedPerSecond: arrivalRate(times),
    firstDrainedPerSecond: arrivalRate(times.slice(0, plan.firstArrivals)),
  };
}
