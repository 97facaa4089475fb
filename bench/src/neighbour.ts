import { join } from 'node:path';
import type { Surroundings } from './compare.ts';
import { type CircuitState, type HungRound, HungWebhook } from './hung-webhook.ts';
import { type Latency, measureLatency, startLatencyReceiver } from './latency.ts';
import type { Machine } from './machine.ts';
import { startNginx } from './nginx.ts';
import { inTurn, type Round, runRound, type Throughput, throughputOf } from './rounds.ts';
import type { Settings } from './settings.ts';
import { createTarget, newApiKey, startServer, targetTypes } from './start-system.ts';
import { median } from './statistics.ts';
import { type System, waitUntilAtRest } from './system.ts';
import { Wrk } from './wrk.ts';

/** The healthy webhooks by themselves, or beside one that hangs, its circuit closed or open. */
export type Neighbour = 'none' | CircuitState;
const NEIGHBOURS: readonly Neighbour[] = ['none', 'closed', 'open'];

/** What the healthy webhooks showed. `hung` is empty without a hung one, and has one entry for each round otherwise. */
export interface NeighbourCase {
  neighbour: Neighbour;
  latency: { rounds: Latency[]; hung: HungRound[] };
  throughput: Throughput & { hung: HungRound[] };
}

/** What the hung webhook changed: medians over the rounds beside it by those without it. */
export interface NeighbourRatio {
  circuit: CircuitState;
  /** p99 of arrival after the planned send. */
  p99: number;
  p99DifferenceMs: number;
  throughput: number;
}

export interface NeighbourResult {
  kind: 'neighbour';
  ratios: NeighbourRatio[];
  cases: NeighbourCase[];
  settings: Settings;
  machine: Machine;
}

/** One server with its healthy webhooks, and with a hung one or none. */
interface Candidate {
  neighbour: Neighbour;
  system: System;
  hung: HungWebhook | null;
}

/** What each round of a candidate gave. */
interface Outcome<T> {
  results: T[];
  hung: HungRound[];
}

/** A server without a hung webhook, and two with one, in turns: latency first, then throughput, each with new processes. */
export async function measureNeighbour(surroundings: Surroundings, settings: Settings): Promise<NeighbourResult> {
  const latencies = await latencyBeside(surroundings, settings);
  const throughputs = await throughputBeside(surroundings, settings);
  const cases = NEIGHBOURS.map((neighbour): NeighbourCase => {
    const latency = latencies.get(neighbour);
    const throughput = throughputs.get(neighbour);
    if (latency === undefined || throughput === undefined) throw new Error(`${neighbour} was not measured.`);
    return { neighbour, latency: { rounds: latency.results, hung: latency.hung }, throughput };
  });
  return { kind: 'neighbour', ratios: ratiosOf(cases), cases, settings, machine: surroundings.machine };
}

/** Pure. */
export function ratiosOf(cases: readonly NeighbourCase[]): NeighbourRatio[] {
  const alone = cases.find(({ neighbour }) => neighbour === 'none');
  if (alone === undefined) throw new Error('The healthy webhooks are always measured by themselves.');
  return cases.flatMap((one) => {
    if (one.neighbour === 'none') return [];
    return {
      circuit: one.neighbour,
      p99: endToEnd(one, 'p99') / endToEnd(alone, 'p99'),
      p99DifferenceMs: endToEnd(one, 'p99') - endToEnd(alone, 'p99'),
      throughput: one.throughput.arrivedPerSecond / alone.throughput.arrivedPerSecond,
    };
  });
}

/** Milliseconds from the planned send to the arrival, the median of the rounds. */
export function endToEnd({ latency }: NeighbourCase, at: 'p50' | 'p99'): number {
  return median(latency.rounds.map((round) => round.endToEnd[at]));
}

async function latencyBeside(surroundings: Surroundings, settings: Settings) {
  const { group, directory, say } = surroundings;
  const { latencyRate: rate, latencySeconds: seconds } = settings;
  const types = targetTypes(settings.healthyWebhooks);
  const receivers = new Map<Candidate, Awaited<ReturnType<typeof startLatencyReceiver>>>();
  for (const neighbour of NEIGHBOURS) {
    const receiver = await startLatencyReceiver(group);
    const plan = { neighbour, directory: join(directory, `latency-${neighbour}`), receiver: receiver.origin };
    receivers.set(await startCandidate(surroundings, settings, plan), receiver);
  }
  const measured = await takeTurns([...receivers.keys()], settings.rounds, async (candidate) => {
    const receiver = receivers.get(candidate);
    if (receiver === undefined) throw new Error('Every candidate has a receiver.');
    const latency = await measureLatency(group, { system: candidate.system, receiver, rate, seconds, types });
    say(`${nameOf(candidate)}: p99 ${latency.endToEnd.p99.toFixed(1)} ms, ${latency.missing} missing`);
    return latency;
  });
  await group.stopAll();
  return new Map([...measured].map(([{ neighbour }, outcome]) => [neighbour, outcome]));
}

async function throughputBeside(surroundings: Surroundings, settings: Settings) {
  const { group, tools, directory, say } = surroundings;
  const receiver = await startNginx(group, tools.nginx, join(directory, 'receiver'));
  const wrk = new Wrk(group, tools.wrk, directory);
  const types = targetTypes(settings.healthyWebhooks);
  const candidates: Candidate[] = [];
  for (const neighbour of NEIGHBOURS) {
    const plan = { neighbour, directory: join(directory, `throughput-${neighbour}`), receiver: receiver.origin };
    candidates.push(await startCandidate(surroundings, settings, plan));
  }
  const measured = await takeTurns(candidates, settings.rounds, async (candidate, keptBack): Promise<Round> => {
    const round = await runRound({ wrk, receiver }, candidate.system, { ...settings, types, keptBack });
    say(`${nameOf(candidate)}: ${Math.round(round.arrivedPerSecond)} events/s arrived, ${round.missing} missing`);
    return round;
  });
  const throughputs = new Map<Neighbour, Throughput & { hung: HungRound[] }>();
  for (const [{ neighbour, system }, { results, hung }] of measured) {
    throughputs.set(neighbour, { ...(await throughputOf(system, results)), hung });
  }
  await group.stopAll();
  return throughputs;
}

async function startCandidate(
  { group, say }: Surroundings,
  settings: Settings,
  { neighbour, directory, receiver }: { neighbour: Neighbour; directory: string; receiver: string },
): Promise<Candidate> {
  const system = await startServer(group, { entry: settings.serverEntry, directory, apiKey: newApiKey() });
  for (const [n, type] of targetTypes(settings.healthyWebhooks).entries()) {
    await createTarget(system, type, { url: `${receiver}/hook/${n}` });
  }
  if (neighbour === 'none') return { neighbour, system, hung: null };
  const plan = { circuit: neighbour, backlog: settings.hungBacklog, slots: settings.hungSlots };
  const hung = await HungWebhook.create(group, system, plan);
  say(`${settings.hungBacklog} deliveries wait for a hung webhook, its circuit ${neighbour}`);
  return { neighbour, system, hung };
}

/** @param measure one round; `keptBack` is what waits for the hung webhook all the time */
async function takeTurns<T>(
  candidates: readonly Candidate[],
  rounds: number,
  measure: (candidate: Candidate, keptBack: number) => Promise<T>,
): Promise<Map<Candidate, Outcome<T>>> {
  const outcomes = new Map<Candidate, Outcome<T>>(candidates.map((one) => [one, { results: [], hung: [] }]));
  for (let n = 0; n < rounds; n += 1) {
    for (const [candidate, { results, hung }] of inTurn([...outcomes], n)) {
      await waitUntilAtRest(candidate.system);
      if (candidate.hung === null) {
        results.push(await measure(candidate, 0));
        continue;
      }
      const during = await candidate.hung.during((pending) => measure(candidate, pending));
      results.push(during.result);
      hung.push(during.hung);
    }
  }
  return outcomes;
}

function nameOf({ neighbour }: Candidate): string {
  return neighbour === 'none' ? 'no hung webhook' : `beside a hung webhook, circuit ${neighbour}`;
}
