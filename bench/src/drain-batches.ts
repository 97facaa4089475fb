import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { arrivalRate } from './arrival-log.ts';
import { BenchError } from './bench-error.ts';
import type { Surroundings } from './compare.ts';
import { fillQueue } from './fill-queue.ts';
import type { Machine } from './machine.ts';
import { type NginxReceiver, startNginx } from './nginx.ts';
import { cpuSecondsOf, memoryOf } from './process-usage.ts';
import type { ProcessGroup } from './processes.ts';
import { inTurn } from './rounds.ts';
import type { Settings } from './settings.ts';
import { createTarget, newApiKey, startServer, targetTypes } from './start-system.ts';
import { median } from './statistics.ts';
import { callSystem, waitUntilAtRest, waitUntilDrained } from './system.ts';

/** How long a batch waits for more, in seconds. All are full before anything is sent, so it is never waited for. */
const BATCH_TIMEOUT = 30;

/** One queue that was filled while its webhooks were paused, and drained. */
export interface BatchDrain {
  fillSeconds: number;
  /** Requests that reached the receiver, each delivery id once. */
  requests: number;
  /** Events in them, by the length of their bodies. */
  arrived: number;
  missing: number;
  /** Requests that came again, and events beyond those that were owed. */
  arrivedTwice: number;
  /** What the server says it settled. */
  settled: number;
  /** Events by the time from the first arrival to the last. */
  drainedPerSecond: number;
  /** CPU of the server from the release until it rests. */
  cpuSecondsPerMillion: number;
  peakMemoryBytes: number;
}

export interface DrainBatchesResult {
  kind: 'drain-batches';
  /** Events per second in batches by events per second singly, medians of the rounds. */
  ratio: number;
  single: BatchDrain[];
  batched: BatchDrain[];
  settings: Settings;
  machine: Machine;
}

interface BatchPlan {
  /** Events of a batch; 1: each is delivered by itself. */
  size: number;
  /** Bytes of the body of one event that is delivered by itself; null: not known yet, everything is single. */
  singleBytes: number | null;
  settings: Settings;
  /** Removed at the end. */
  directory: string;
}

/** Singly and in batches in turns, each time with a new server and a new database. */
export async function measureDrainBatches(
  { group, tools, directory, machine, say }: Surroundings,
  settings: Settings,
): Promise<DrainBatchesResult> {
  const receiver = await startNginx(group, tools.nginx, join(directory, 'receiver'));
  const single: BatchDrain[] = [];
  const batched: BatchDrain[] = [];
  let singleBytes: number | null = null;
  for (let n = 0; n < settings.rounds; n += 1) {
    // The first round begins with the single ones, which tell how long an event is.
    for (const size of inTurn([1, settings.batchSize], n)) {
      const plan = { size, singleBytes, settings, directory: join(directory, `${size}-${n}`) };
      const { drain, longest } = await drainOnce(group, receiver, plan);
      singleBytes ??= longest;
      (size === 1 ? single : batched).push(drain);
      say(`${size} a request: ${Math.round(drain.drainedPerSecond)} events/s drained, ${drain.missing} missing`);
    }
  }
  const rate = (drains: readonly BatchDrain[]) => median(drains.map((drain) => drain.drainedPerSecond));
  return { kind: 'drain-batches', ratio: rate(batched) / rate(single), single, batched, settings, machine };
}

async function drainOnce(
  group: ProcessGroup,
  receiver: NginxReceiver,
  { size, singleBytes, settings, directory }: BatchPlan,
): Promise<{ drain: BatchDrain; longest: number }> {
  const { batchEvents: events, batchWebhooks, serverEntry } = settings;
  const server = await startServer(group, { entry: serverEntry, directory, apiKey: newApiKey() });
  const types = targetTypes(batchWebhooks);
  const ids: string[] = [];
  for (const [n, type] of types.entries()) {
    const batch = size === 1 ? {} : { batch: { size, timeout: BATCH_TIMEOUT } };
    ids.push(await createTarget(server, type, { url: `${receiver.origin}/hook/${n}`, ...batch }));
  }
  const change = (what: 'pause' | 'resume') =>
    Promise.all(ids.map((id) => callSystem(server, `/v1/webhooks/${id}/${what}`, { method: 'POST' })));
  await change('pause');
  const fillStartedAt = performance.now();
  await fillQueue(server, { pending: events, webhooks: 1, types });
  const fillSeconds = (performance.now() - fillStartedAt) / 1000;
  await waitUntilAtRest(server);

  const cpuBefore = await cpuSecondsOf(server.process.pid);
  await change('resume');
  const { settled } = await waitUntilDrained(server);
  const { times, lengths, duplicates } = await receiver.arrivals.collect(events / size);
  await waitUntilAtRest(server);
  const cpuSeconds = (await cpuSecondsOf(server.process.pid)) - cpuBefore;
  const { peak } = await memoryOf(server.process.pid);
  await server.process.stop();
  await rm(directory, { recursive: true });

  if (times.length < 2) throw new BenchError(`Of ${events} events that waited ${times.length} requests arrived.`);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  if (size === 1 && lengths.some((length) => length !== longest)) {
    throw new BenchError('The bodies of single events are not equally long, so those in a batch cannot be counted.');
  }
  const arrived = eventsIn(lengths, singleBytes ?? longest);
  const drain = {
    fillSeconds,
    requests: times.length,
    arrived,
    missing: Math.max(0, events - arrived),
    arrivedTwice: duplicates + Math.max(0, arrived - events),
    settled,
    drainedPerSecond: arrivalRate(times) * (arrived / times.length),
    cpuSecondsPerMillion: (cpuSeconds / arrived) * 1e6,
    peakMemoryBytes: peak,
  };
  return { drain, longest };
}

/**
 * Pure: how many events are in requests with bodies of these lengths. The events of this benchmark are equally long, and a batch
 * is their bodies with commas between them, in an envelope that is shorter than one of them; so nobody has to parse while it
 * is measured. An event by itself is a request of `singleBytes`.
 */
export function eventsIn(lengths: readonly number[], singleBytes: number): number {
  return lengths.reduce((sum, length) => sum + Math.max(1, Math.floor(length / (singleBytes + 1))), 0);
}
