import { join } from 'node:path';
import type { Surroundings } from './compare.ts';
import { startDurablePostgres } from './durable-postgres.ts';
import { type Latency, measureLatency, startLatencyReceiver } from './latency.ts';
import type { Machine } from './machine.ts';
import { startNginx } from './nginx.ts';
import { measureThroughput, type Round, type Throughput } from './rounds.ts';
import type { Settings } from './settings.ts';
import { createTarget, newApiKey, startServer, targetTypes } from './start-system.ts';
import type { System } from './system.ts';
import { Wrk } from './wrk.ts';

/** They share the load, so that several servers have something to share. */
const WEBHOOKS = 16;

/** What servers of one kind showed. `latency` is null when it was skipped. */
export interface StoreResult {
  throughput: Throughput;
  latency: Latency | null;
}

/** `sqlite` is a, `postgres` one server on PostgreSQL (b), `several` more of them on one database (c). */
export interface PostgresResult {
  kind: 'postgres';
  /** b/a, in events per second. */
  ratio: number;
  /** c/b; null: there was one server. */
  severalRatio: number | null;
  sqlite: StoreResult;
  postgres: StoreResult;
  several: StoreResult | null;
  settings: Settings;
  machine: Machine;
}

type Kind = Extract<System['name'], 'server' | 'postgres' | 'several'>;

/** A server on SQLite beside one, and beside several, on PostgreSQL, in turns; then the latency of each. */
export async function comparePostgres(surroundings: Surroundings, settings: Settings): Promise<PostgresResult> {
  const throughputs = await throughputOfEach(surroundings, settings);
  const latencies = settings.skipLatency ? new Map<Kind, Latency>() : await latencyOfEach(surroundings, settings);
  const resultOf = (kind: Kind): StoreResult | null => {
    const throughput = throughputs.get(kind);
    return throughput === undefined ? null : { throughput, latency: latencies.get(kind) ?? null };
  };
  const [sqlite, postgres, several] = [resultOf('server'), resultOf('postgres'), resultOf('several')];
  if (sqlite === null || postgres === null) throw new Error('Both stores are always measured.');
  const rate = ({ throughput }: StoreResult) => throughput.arrivedPerSecond;
  return {
    kind: 'postgres',
    ratio: rate(postgres) / rate(sqlite),
    severalRatio: several && rate(several) / rate(postgres),
    ...{ sqlite, postgres, several, settings, machine: surroundings.machine },
  };
}

function kindsOf({ servers }: Settings): readonly Kind[] {
  return servers === 1 ? ['server', 'postgres'] : ['server', 'postgres', 'several'];
}

async function throughputOfEach({ group, tools, directory, say }: Surroundings, settings: Settings) {
  const receiver = await startNginx(group, tools.nginx, join(directory, 'receiver'));
  const systems: System[] = [];
  for (const kind of kindsOf(settings)) {
    systems.push(await startKind(group, settings, { kind, directory, receiver: receiver.origin }));
  }
  const onRound = (system: System, round: Round) =>
    say(`${system.name}: ${Math.round(round.arrivedPerSecond)} events/s arrived, ${round.missing} missing`);
  const wrk = new Wrk(group, tools.wrk, directory);
  const types = targetTypes(WEBHOOKS);
  const results = await measureThroughput({ wrk, receiver, onRound }, systems, { ...settings, types });
  await group.stopAll();
  return results;
}

async function latencyOfEach({ group, directory, say }: Surroundings, settings: Settings) {
  const results = new Map<Kind, Latency>();
  for (const kind of kindsOf(settings)) {
    const receiver = await startLatencyReceiver(group);
    const place = { kind, directory: join(directory, 'latency'), receiver: receiver.origin };
    const system = await startKind(group, settings, place);
    const { latencyRate: rate, latencySeconds: seconds } = settings;
    const run = { system, receiver, rate, seconds, types: targetTypes(WEBHOOKS) };
    results.set(kind, await measureLatency(group, run));
    await group.stopAll();
    say(`${kind}: latency at ${rate} events/s measured`);
  }
  return results;
}

/** Its servers, on a database of their own, and its webhooks. */
async function startKind(
  group: Surroundings['group'],
  { serverEntry: entry, servers, connections, directory: parent }: Settings,
  { kind, directory, receiver }: { kind: Kind; directory: string; receiver: string },
): Promise<System> {
  const options = { name: kind, entry, directory: join(directory, kind), apiKey: newApiKey() };
  let system: System;
  if (kind === 'server') {
    system = await startServer(group, options);
  } else {
    const database = await startDurablePostgres(group, { parent });
    const databaseUrl = await database.createDatabase();
    const [first, ...others] = await startServers(kind === 'several' ? servers : 1, () =>
      startServer(group, { ...options, databaseUrl }),
    );
    if (first === undefined) throw new Error('There is a server.');
    system = { ...first, others, database };
  }
  for (const [n, type] of targetTypes(WEBHOOKS).entries()) {
    await createTarget(system, type, { url: `${receiver}/hook/${n}`, max_concurrency: connections });
  }
  return system;
}

async function startServers(count: number, start: () => Promise<System>): Promise<System[]> {
  const systems: System[] = [];
  for (let n = 0; n < count; n += 1) systems.push(await start());
  return systems;
}
