import { arrivalRate } from './arrival-log.ts';
import { BenchError } from './bench-error.ts';
import type { NginxReceiver } from './nginx.ts';
import { memoryOf } from './process-usage.ts';
import { SAMPLE_TYPE } from './sample-event.ts';
import { median } from './statistics.ts';
import {
  cpuSecondsOfSystem,
  originsOf,
  readCounters,
  type System,
  waitUntilAtRest,
  waitUntilDrained,
} from './system.ts';
import { watchBacklog } from './watch-backlog.ts';
import type { Wrk, WrkResult } from './wrk.ts';

/** One measured round of one system. */
export interface Round extends WrkResult {
  /** Events that the system says it took, those on the last connections included that the generator gave up. */
  accepted: number;
  /** Events that reached the receiver, each once. */
  arrived: number;
  arrivedTwice: number;
  /** Accepted, and never seen at the receiver. */
  missing: number;
  /** `arrived` by the time from the first arrival to the last. */
  arrivedPerSecond: number;
  /** CPU of the system, all its threads, from the first event until it rested again. */
  cpuSecondsPerMillion: number;
  /** What the database has of it; 0 for one that is no process of its own. */
  databaseCpuSecondsPerMillion: number;
  /** Null for a system that does not commit. */
  commitsPerEvent: number | null;
  largestBacklog: number;
}

/** All rounds of one system, and their medians. */
export interface Throughput {
  rounds: Round[];
  arrivedPerSecond: number;
  peakMemoryBytes: number;
}

export interface RoundSettings {
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  connections: number;
  /** The types that the events have in turn. Default: the sample's own. */
  types?: readonly string[];
  /** Deliveries that are pending all the time and are not waited for. Default 0. */
  keptBack?: number;
}

export interface Bench {
  wrk: Wrk;
  receiver: NginxReceiver;
  /** Called after each round. */
  onRound: (system: System, round: Round) => void;
}

/**
 * The systems take turns, so that what changes on the machine over the minutes meets all of them alike; every second time in
 * reverse order, so that none always runs after the same other one.
 */
export async function measureThroughput(
  bench: Bench,
  systems: readonly System[],
  settings: RoundSettings,
): Promise<Map<System['name'], Throughput>> {
  const rounds = new Map<System, Round[]>(systems.map((system) => [system, []]));
  for (let n = 0; n < settings.rounds; n += 1) {
    for (const [system, done] of inTurn([...rounds], n)) {
      const round = await runRound(bench, system, settings);
      done.push(round);
      bench.onRound(system, round);
    }
  }
  const results = new Map<System['name'], Throughput>();
  for (const [system, done] of rounds) results.set(system.name, await throughputOf(system, done));
  return results;
}

/** Those that take turns, in the order of round `n`: backwards in every second one. */
export function inTurn<T>(all: readonly T[], n: number): readonly T[] {
  return n % 2 === 0 ? all : all.toReversed();
}

export async function throughputOf(system: System, rounds: Round[]): Promise<Throughput> {
  const arrivedPerSecond = median(rounds.map((round) => round.arrivedPerSecond));
  const { peak } = await memoryOf(system.process.pid);
  return { rounds, arrivedPerSecond, peakMemoryBytes: peak };
}

export async function runRound(
  { wrk, receiver }: Pick<Bench, 'wrk' | 'receiver'>,
  system: System,
  settings: RoundSettings,
): Promise<Round> {
  const { connections, types = [SAMPLE_TYPE], keptBack = 0 } = settings;
  const load = {
    urls: originsOf(system).map((origin) => `${origin}/v1/events`),
    apiKey: system.apiKey,
    connections,
    types,
  };
  const cold = await readCounters(system);
  await wrk.run({ ...load, seconds: settings.warmUpSeconds });
  const start = await waitUntilDrained(system, keptBack);
  await receiver.arrivals.collect(start.accepted - cold.accepted);
  await waitUntilAtRest(system);

  const databaseBefore = (await system.database?.cpuSeconds()) ?? 0;
  const cpuBefore = await cpuSecondsOfSystem(system);
  const { result, largestBacklog } = await watchBacklog({ system, start }, async () => {
    const seen = await wrk.run({ ...load, seconds: settings.seconds });
    return { seen, end: await waitUntilDrained(system, keptBack) };
  });
  const { seen, end } = result;
  await waitUntilAtRest(system);
  const cpuSeconds = (await cpuSecondsOfSystem(system)) - cpuBefore;
  const databaseCpuSeconds = ((await system.database?.cpuSeconds()) ?? 0) - databaseBefore;

  const accepted = end.accepted - start.accepted;
  const { times, duplicates } = await receiver.arrivals.collect(accepted);
  if (times.length < 2) {
    throw new BenchError(
      `${system.name}: ${accepted} events were accepted (${seen.refused} refused), ${times.length} arrived.`,
    );
  }
  return {
    ...seen,
    accepted,
    arrived: times.length,
    arrivedTwice: duplicates,
    missing: Math.max(0, Math.max(accepted, seen.acknowledged) - times.length),
    arrivedPerSecond: arrivalRate(times),
    cpuSecondsPerMillion: (cpuSeconds / times.length) * 1e6,
    databaseCpuSecondsPerMillion: (databaseCpuSeconds / times.length) * 1e6,
    commitsPerEvent: end.commits === null || start.commits === null ? null : (end.commits - start.commits) / accepted,
    largestBacklog,
  };
}
