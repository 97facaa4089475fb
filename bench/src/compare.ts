import { join } from 'node:path';
import { commitOf } from './commit-of.ts';
import { type LatencyReceiver, measureLatency, startLatencyReceiver } from './latency.ts';
import type { Machine } from './machine.ts';
import { startNginx } from './nginx.ts';
import type { ProcessGroup } from './processes.ts';
import type { ComparisonResult, OtherResult, SystemResult } from './report.ts';
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

/** Relay and server, and that of another checkout if there is one: throughput first, then latency, each with new processes. */
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
  const { machine, group } = surroundings;
  const other = await otherResult(group, { server, result: resultOf('other'), entry: settings.otherEntry });
  return { kind: 'comparison', ratio, relay, server, other, settings, machine };
}

async function otherResult(
  group: ProcessGroup,
  { server, result, entry }: { server: SystemResult | null; result: SystemResult | null; entry: string | null },
): Promise<OtherResult | null> {
  if (server === null || result === null || entry === null) return null;
  const ratio = server.throughput.arrivedPerSecond / result.throughput.arrivedPerSecond;
  return { commit: await commitOf(group, entry), ratio, result };
}

async function compareThroughput({ group, tools, directory, say }: Surroundings, settings: Settings) {
  const receiver = await startNginx(group, tools.nginx, join(directory, 'receiver'));
  const receiverUrl = `${receiver.origin}/hook`;
  const systems = [await startRelay(group, { receiverUrl, connections: settings.connections })];
  for (const server of serversOf(settings)) {
    systems.push(await startServerOf(group, server, { directory: join(directory, 'throughput'), receiverUrl }));
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
  for (const server of serversOf(settings)) {
    const place = { directory: join(directory, 'latency') };
    results.push(await run((receiverUrl) => startServerOf(group, server, { ...place, receiverUrl })));
  }
  return new Map(results);
}

interface MeasuredServer {
  name: 'server' | 'other';
  entry: string;
  /** Attempts that its webhook may have in the air. */
  slots: number;
}

function serversOf({ relayOnly, serverEntry, otherEntry, connections }: Settings): MeasuredServer[] {
  if (relayOnly) return [];
  const own: MeasuredServer = { name: 'server', entry: serverEntry, slots: connections };
  return otherEntry === null ? [own] : [own, { ...own, name: 'other', entry: otherEntry }];
}

async function startServerOf(
  group: ProcessGroup,
  { name, entry, slots }: MeasuredServer,
  { directory, receiverUrl }: { directory: string; receiverUrl: string },
): Promise<System> {
  const server = await startServer(group, { name, entry, directory: join(directory, name), apiKey: newApiKey() });
  await createWebhook(server, receiverUrl, { max_concurrency: slots });
  return server;
}
