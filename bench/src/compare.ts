import { join } from 'node:path';
import { type LatencyReceiver, measureLatency, startLatencyReceiver } from './latency.ts';
import type { Machine } from './machine.ts';
import { startNginx } from './nginx.ts';
import type { ProcessGroup } from './processes.ts';
import type { ComparisonResult, SystemResult } from './report.ts';
import { measureThroughput, type Round } from './rounds.ts';
import type { Settings } from './settings.ts';
import { createWebhook, newApiKey, startRelay, startServer } from './start-system.ts';
import type { System } from './system.ts';
import { Wrk } from './wrk.ts';

/** What a measurement needs of its surroundings. */
export interface Surroundings {
  group: ProcessGroup;
  tools: { nginx: string; wrk: string };
  /** The temporary folder. */
  directory: string;
  machine: Machine;
  /** Progress, for the person who waits. */
  say: (line: string) => void;
}

/** Relay and server, throughput first, then latency, each with new processes. */
export async function compare(surroundings: Surroundings, settings: Settings): Promise<ComparisonResult> {
  const throughput = await compareThroughput(surroundings, settings);
  const latency = settings.skipLatency ? new Map() : await compareLatency(surroundings, settings);
  const resultOf = (name: System['name']): SystemResult | null => {
    const measured = throughput.get(name);
    if (measured === undefined) return null;
    return latency.has(name) ? { throughput: measured, latency: latency.get(name) } : { throughput: measured };
  };
  const relay = resultOf('relay');
  if (relay === null) throw new Error('The relay is always measured.');
  const server = resultOf('server');
  const ratio = server && server.throughput.arrivedPerSecond / relay.throughput.arrivedPerSecond;
  return { kind: 'comparison', ratio, relay, server, settings, machine: surroundings.machine };
}

async function compareThroughput({ group, tools, directory, say }: Surroundings, settings: Settings) {
  const receiver = await startNginx(group, tools.nginx, join(directory, 'receiver'));
  const receiverUrl = `${receiver.origin}/hook`;
  const systems = [await startRelay(group, { receiverUrl, connections: settings.connections })];
  if (!settings.relayOnly) {
    systems.push(await startOwnServer(group, settings, join(directory, 'throughput'), receiverUrl));
  }
  const onRound = (system: System, round: Round) =>
    say(`${system.name}: ${Math.round(round.arrivedPerSecond)} events/s arrived, ${round.missing} missing`);
  const wrk = new Wrk(group, tools.wrk, directory);
  const results = await measureThroughput({ wrk, receiver, onRound }, systems, settings);
  await group.stopAll();
  return results;
}

async function compareLatency({ group, directory, say }: Surroundings, settings: Settings) {
  const run = async (start: (receiverUrl: string) => Promise<System>) => {
    const receiver: LatencyReceiver = await startLatencyReceiver(group);
    const system = await start(`${receiver.origin}/hook`);
    const { latencyRate: rate, latencySeconds: seconds } = settings;
    const latency = await measureLatency(group, { system, receiver, rate, seconds });
    await group.stopAll();
    say(`${system.name}: latency at ${rate} events/s measured`);
    return [system.name, latency] as const;
  };
  const results = [await run((receiverUrl) => startRelay(group, { receiverUrl, connections: settings.connections }))];
  if (!settings.relayOnly) {
    results.push(await run((receiverUrl) => startOwnServer(group, settings, join(directory, 'latency'), receiverUrl)));
  }
  return new Map(results);
}

async function startOwnServer(
  group: ProcessGroup,
  settings: Settings,
  directory: string,
  receiverUrl: string,
): Promise<System> {
  const server = await startServer(group, { entry: settings.serverEntry, directory, apiKey: newApiKey() });
  await createWebhook(server, receiverUrl, { max_concurrency: settings.connections });
  return server;
}
