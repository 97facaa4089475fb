import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BenchError } from './bench-error.ts';

/** What one run measures; all but the first are chosen by the flag of that name. */
export type Measurement =
  | 'comparison'
  | 'postgres'
  | 'postgres-cost'
  | 'pending-read'
  | 'neighbour'
  | 'drain'
  | 'drain-batches'
  | 'filters';

export interface Settings {
  measurement: Measurement;
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  connections: number;
  latencyRate: number;
  latencySeconds: number;
  skipLatency: boolean;
  relayOnly: boolean;
  /** Absolute path of the entry file of the server in another checkout; null: there is none. */
  otherEntry: string | null;
  /** On one PostgreSQL database, as a third system; 1: there is none. */
  servers: number;
  /** Deliveries that are pending in the largest case of the reads, and the lanes that share them in another. */
  pendingReads: number;
  pendingLanes: number;
  healthyWebhooks: number;
  hungBacklog: number;
  hungSlots: number;
  batchEvents: number;
  batchSize: number;
  batchWebhooks: number;
  drainSizes: readonly number[];
  drainWebhooks: number;
  /** Absolute path of the server's entry file. */
  serverEntry: string;
  /** Where the temporary folder is made. The server's database is in it: its disk is the one that is measured. */
  directory: string;
  install: boolean;
}

/** The server's entry file in a checkout, and in an older one. */
const ENTRIES = ['tools/broxi.js', 'packages/server/src/cli/main.ts'];
const SERVER_ENTRY = fileURLToPath(new URL(`../../${ENTRIES[0]}`, import.meta.url));
/** Seconds that a round beside a hung webhook may take, warm-up included, so that nothing of it times out meanwhile. */
const LONGEST_BESIDE_HUNG = 40;

/** Those that a flag of the same name chooses. */
const MEASUREMENTS = [
  'postgres',
  'postgres-cost',
  'pending-read',
  'neighbour',
  'drain',
  'drain-batches',
  'filters',
] as const satisfies readonly Measurement[];

export const USAGE = `npm run bench -- [flags]

Throughput and latency of the server beside a relay that stores nothing (about 5 minutes):
  --rounds 5            rounds of each, interleaved (1 to 100)
  --seconds 10          length of a round (1 to 600)
  --warm-up 3           seconds before each round that are not measured (1 to 60)
  --connections 64      connections of the load generator (1 to 1000)
  --latency-rate 500    events per second of the latency run (1 to 5000)
  --latency-seconds 10  length of the latency run (1 to 600)
  --skip-latency        throughput only
  --relay-only          measure the relay alone: what this machine gives at best
  --against <folder>    the server of another checkout (an older commit, with its own node_modules) takes part in turn

A server on SQLite beside one on PostgreSQL, which is started for it (about 5 minutes; flags as above):
  --postgres            do this instead
  --servers 1           2 or more: so many servers on one database as well (1 to 8)

What an event costs PostgreSQL: statements, log, disk (2 minutes; --seconds, --latency-rate, … as above):
  --postgres-cost       do this instead

How long the next deliveries take to read on PostgreSQL, by what is pending (2 minutes; --rounds as above):
  --pending-read        do this instead
  --pending 1000000     deliveries of the largest case (100000 to 10000000)
  --pending-lanes 100000   lanes that share them in one case (1 to 1000000)

What a webhook whose receiver never answers does to its neighbours (about 10 minutes; rounds, seconds, … as above):
  --neighbour           do this instead
  --healthy-webhooks 100   its neighbours, which share the load (1 to 1000)
  --hung-backlog 10000  deliveries that wait for the hung one (1000 to 1000000)
  --hung-slots 64       attempts that it may have in the air (10 to 1000)

How a full queue drains (many minutes; nothing else is measured):
  --drain               do this instead
  --drain-sizes 10000,1000000   pending deliveries of each case (multiples of the webhooks)
  --drain-webhooks 1000 webhooks that share them (1 to 1000)

How a full queue drains in batches beside singly (minutes; --rounds as above):
  --drain-batches       do this instead
  --batch-events 100000 events that wait (a multiple of webhooks times size)
  --batch-size 100      events of a batch (2 to 1000)
  --batch-webhooks 10   webhooks; each event is for one of them (1 to 1000)

How long matching takes (seconds; no server, no network, nothing is installed):
  --filters             do this instead

  --server-entry <file> the server's entry file; default ${ENTRIES[0]}
  --dir <folder>        where the temporary folder with the database goes; default ${tmpdir()}
  --install             as root on Debian: install nginx-light and wrk when missing
  --help`;

const OPTIONS = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '10' },
  'warm-up': { type: 'string', default: '3' },
  connections: { type: 'string', default: '64' },
  'latency-rate': { type: 'string', default: '500' },
  'latency-seconds': { type: 'string', default: '10' },
  'skip-latency': { type: 'boolean', default: false },
  'relay-only': { type: 'boolean', default: false },
  against: { type: 'string' },
  postgres: { type: 'boolean', default: false },
  servers: { type: 'string', default: '1' },
  'postgres-cost': { type: 'boolean', default: false },
  'pending-read': { type: 'boolean', default: false },
  pending: { type: 'string', default: '1000000' },
  'pending-lanes': { type: 'string', default: '100000' },
  neighbour: { type: 'boolean', default: false },
  'healthy-webhooks': { type: 'string', default: '100' },
  'hung-backlog': { type: 'string', default: '10000' },
  'hung-slots': { type: 'string', default: '64' },
  drain: { type: 'boolean', default: false },
  'drain-batches': { type: 'boolean', default: false },
  'batch-events': { type: 'string', default: '100000' },
  'batch-size': { type: 'string', default: '100' },
  'batch-webhooks': { type: 'string', default: '10' },
  filters: { type: 'boolean', default: false },
  'drain-sizes': { type: 'string', default: '10000,1000000' },
  'drain-webhooks': { type: 'string', default: '1000' },
  'server-entry': { type: 'string', default: SERVER_ENTRY },
  dir: { type: 'string', default: tmpdir() },
  install: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** Null when help was asked for. Throws a `BenchError` that names the flag and what it accepts. */
export function parseSettings(args: readonly string[]): Settings | null {
  const flags = readFlags(args);
  if (flags.help) return null;
  const webhooks = wholeNumber('drain-webhooks', flags['drain-webhooks'], 1, 1000);
  const batchSize = wholeNumber('batch-size', flags['batch-size'], 2, 1000);
  const batchWebhooks = wholeNumber('batch-webhooks', flags['batch-webhooks'], 1, 1000);
  const settings: Settings = {
    measurement: measurementOf(flags),
    rounds: wholeNumber('rounds', flags.rounds, 1, 100),
    seconds: wholeNumber('seconds', flags.seconds, 1, 600),
    warmUpSeconds: wholeNumber('warm-up', flags['warm-up'], 1, 60),
    connections: wholeNumber('connections', flags.connections, 1, 1000),
    latencyRate: wholeNumber('latency-rate', flags['latency-rate'], 1, 5000),
    latencySeconds: wholeNumber('latency-seconds', flags['latency-seconds'], 1, 600),
    skipLatency: flags['skip-latency'],
    relayOnly: flags['relay-only'],
    otherEntry: flags.against === undefined ? null : entryIn(flags.against),
    servers: wholeNumber('servers', flags.servers, 1, 8),
    pendingReads: wholeNumber('pending', flags.pending, 100_000, 10_000_000),
    pendingLanes: wholeNumber('pending-lanes', flags['pending-lanes'], 1, 1_000_000),
    healthyWebhooks: wholeNumber('healthy-webhooks', flags['healthy-webhooks'], 1, 1000),
    hungBacklog: wholeNumber('hung-backlog', flags['hung-backlog'], 1000, 1_000_000),
    hungSlots: wholeNumber('hung-slots', flags['hung-slots'], 10, 1000),
    batchEvents: multipleOf(batchWebhooks * batchSize, {
      flag: 'batch-events',
      text: flags['batch-events'],
      what: '--batch-webhooks times --batch-size',
    }),
    batchSize,
    batchWebhooks,
    drainSizes: flags['drain-sizes']
      .split(',')
      .map((text) => multipleOf(webhooks, { flag: 'drain-sizes', text, what: '--drain-webhooks' })),
    drainWebhooks: webhooks,
    serverEntry: flags['server-entry'],
    directory: flags.dir,
    install: flags.install,
  };
  assertFit(settings);
  return settings;
}

/** Throws a `BenchError` for flags that are acceptable by themselves and not together. */
function assertFit({ measurement, ...settings }: Settings): void {
  if (settings.otherEntry !== null && (settings.relayOnly || measurement !== 'comparison')) {
    throw new BenchError(
      '--against is for the comparison of throughput, with no other measurement and no --relay-only.',
    );
  }
  if (settings.servers > 1 && measurement !== 'postgres') {
    throw new BenchError('--servers is for --postgres: several servers need a database that they can share.');
  }
  if (measurement !== 'neighbour') return;
  const { warmUpSeconds, seconds, latencySeconds } = settings;
  if (warmUpSeconds + seconds > LONGEST_BESIDE_HUNG || latencySeconds > LONGEST_BESIDE_HUNG) {
    throw new BenchError(
      `--neighbour accepts --warm-up and --seconds up to ${LONGEST_BESIDE_HUNG} together, and --latency-seconds up to ${LONGEST_BESIDE_HUNG}: what hangs must not time out meanwhile.`,
    );
  }
  if (settings.hungSlots * (settings.rounds + 1) > settings.hungBacklog) {
    throw new BenchError('--hung-backlog must be more than --hung-slots times --rounds: each round uses up so many.');
  }
}

function measurementOf(flags: ReturnType<typeof readFlags>): Measurement {
  const chosen = MEASUREMENTS.filter((name) => flags[name]);
  if (chosen.length <= 1) return chosen[0] ?? 'comparison';
  throw new BenchError(`One run measures one thing: not ${chosen.map((name) => `--${name}`).join(' and ')}.`);
}

function entryIn(folder: string): string {
  const entry = ENTRIES.map((each) => resolve(folder, each)).find((each) => existsSync(each));
  if (entry !== undefined) return entry;
  throw new BenchError(`--against accepts the folder of a checkout, with ${ENTRIES[0]} in it, not "${folder}".`);
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (cause) {
    throw new BenchError(`${cause instanceof Error ? cause.message : cause}\n\n${USAGE}`, { cause });
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new BenchError(`--${flag} accepts a whole number from ${least} to ${most}, not "${text}".`);
}

function multipleOf(unit: number, { flag, text, what }: { flag: string; text: string; what: string }): number {
  const value = wholeNumber(flag, text, unit, 10_000_000);
  if (value % unit === 0) return value;
  throw new BenchError(`--${flag} accepts multiples of ${what} (${unit}), not ${text}.`);
}
