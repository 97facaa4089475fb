import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';
import { freePort } from './free-port.ts';
import type { Production } from './paced-producer.ts';
import { type ProcessGroup, type RunningProcess, waitForReady } from './processes.ts';
import { SAMPLE_TYPE } from './sample-event.ts';
import { type Distribution, distributionOf } from './statistics.ts';
import type { System } from './system.ts';

const WARM_UP_SECONDS = 3;
/** Nothing new at the receiver for so long, and what is missing is taken as lost. */
const SILENCE_MS = 5_000;

/** All times in milliseconds. */
export interface Latency {
  /** Arrival minus acknowledgement. Negative when the event arrived before the producer had its answer. */
  afterAcknowledgement: Distribution;
  /** Arrival minus the moment when the event was to leave. */
  endToEnd: Distribution;
  /** Acknowledgement minus the moment when the event was to leave. */
  acknowledgement: Distribution;
  /** How late the producer was itself. */
  producerDelay: Distribution;
  /** Events that were not acknowledged. */
  failed: number;
  /** Acknowledged, and never seen at the receiver. */
  missing: number;
}

export interface LatencyReceiver {
  origin: string;
  process: RunningProcess;
}

export async function startLatencyReceiver(group: ProcessGroup): Promise<LatencyReceiver> {
  const port = await freePort();
  const args = [fileURLToPath(new URL('./latency-receiver.ts', import.meta.url)), String(port)];
  const running = await group.start({ name: 'the latency receiver', file: process.execPath, args });
  const origin = `http://127.0.0.1:${port}`;
  await waitForReady(running, `${origin}/count`);
  return { origin, process: running };
}

export interface LatencyRun {
  system: System;
  /** The one to which the system delivers; it may have served an earlier run. */
  receiver: LatencyReceiver;
  /** Events per second. */
  rate: number;
  seconds: number;
  /** The types that the events have in turn. Default: the sample's own. */
  types?: readonly string[];
}

export async function measureLatency(group: ProcessGroup, run: LatencyRun): Promise<Latency> {
  const { system, receiver, rate, seconds, types = [SAMPLE_TYPE] } = run;
  await fetch(`${receiver.origin}/arrivals`, { method: 'DELETE', signal: AbortSignal.timeout(10_000) });
  const script = fileURLToPath(new URL('./paced-producer.ts', import.meta.url));
  const numbers = [rate, WARM_UP_SECONDS, seconds].map(String);
  const args = [script, system.origin, system.apiKey, types.join(','), ...numbers];
  const timeoutMs = (WARM_UP_SECONDS + seconds + 120) * 1000;
  const stdout = await group.run({ name: 'the paced producer', file: process.execPath, args }, timeoutMs);
  const production: Production = JSON.parse(stdout);
  await waitForArrivals(receiver, production.acknowledged);
  return latencyOf(production, (await getJson(`${receiver.origin}/arrivals`)) as Record<string, number>);
}

/** @param arrivals microseconds by event id. Throws a `BenchError` when no event was acknowledged and arrived. */
export function latencyOf(production: Production, arrivals: Readonly<Record<string, number>>): Latency {
  const arrived = production.sent.flatMap((sent) => {
    const arrivedAt = arrivals[sent.id];
    return arrivedAt === undefined ? [] : [{ ...sent, arrivedAt }];
  });
  if (arrived.length === 0) {
    throw new BenchError(`Of ${production.sent.length} acknowledged events none arrived; ${production.failed} failed.`);
  }
  const spread = (from: 'plannedAt' | 'acknowledgedAt', to: 'arrivedAt' | 'acknowledgedAt' | 'sentAt') =>
    distributionOf(arrived.map((event) => (event[to] - event[from]) / 1000));
  return {
    afterAcknowledgement: spread('acknowledgedAt', 'arrivedAt'),
    endToEnd: spread('plannedAt', 'arrivedAt'),
    acknowledgement: spread('plannedAt', 'acknowledgedAt'),
    producerDelay: spread('plannedAt', 'sentAt'),
    failed: production.failed,
    missing: production.sent.length - arrived.length,
  };
}

async function waitForArrivals(receiver: LatencyReceiver, expected: number): Promise<void> {
  let last = -1;
  let grewAt = performance.now();
  for (;;) {
    const { count } = (await getJson(`${receiver.origin}/count`)) as { count: number };
    if (count >= expected) return;
    if (count !== last) grewAt = performance.now();
    else if (performance.now() - grewAt > SILENCE_MS) return;
    last = count;
    await sleep(100);
  }
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url, { signal: AbortSignal.timeout(10_000) })).json();
}
