import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BenchError } from './bench-error.ts';

/** How deliveries are kept back while the queue is filled: the receiver is silent, or the server runs without delivering. */
export type Hold = 'silence' | 'role';

export interface Settings {
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  connections: number;
  latencyRate: number;
  latencySeconds: number;
  skipLatency: boolean;
  relayOnly: boolean;
  drain: boolean;
  filters: boolean;
  drainSizes: readonly number[];
  drainWebhooks: number;
  hold: Hold;
  /** Absolute path of the server's entry file. */
  serverEntry: string;
  /** Where the temporary folder is made. The server's database is in it: its disk is the one that is measured. */
  directory: string;
  install: boolean;
}

const SERVER_ENTRY = fileURLToPath(new URL('../../packages/server/src/cli/main.ts', import.meta.url));

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

How a full queue drains (many minutes; nothing else is measured):
  --drain               do this instead
  --drain-sizes 10000,1000000   pending deliveries of each case (multiples of the webhooks)
  --drain-webhooks 1000 webhooks that share them (1 to 1000)
  --hold silence        how they are kept back: silence (the receiver answers nothing), or role (serve --role api, for a
                        server that has it)

How long matching takes (seconds; no server, no network, nothing is installed):
  --filters             do this instead

  --server-entry <file> the server's entry file; default packages/server/src/cli/main.ts
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
  drain: { type: 'boolean', default: false },
  filters: { type: 'boolean', default: false },
  'drain-sizes': { type: 'string', default: '10000,1000000' },
  'drain-webhooks': { type: 'string', default: '1000' },
  hold: { type: 'string', default: 'silence' },
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
  return {
    rounds: wholeNumber('rounds', flags.rounds, 1, 100),
    seconds: wholeNumber('seconds', flags.seconds, 1, 600),
    warmUpSeconds: wholeNumber('warm-up', flags['warm-up'], 1, 60),
    connections: wholeNumber('connections', flags.connections, 1, 1000),
    latencyRate: wholeNumber('latency-rate', flags['latency-rate'], 1, 5000),
    latencySeconds: wholeNumber('latency-seconds', flags['latency-seconds'], 1, 600),
    skipLatency: flags['skip-latency'],
    relayOnly: flags['relay-only'],
    drain: flags.drain,
    filters: flags.filters,
    drainSizes: flags['drain-sizes'].split(',').map((size) => drainSize(size, webhooks)),
    drainWebhooks: webhooks,
    hold: oneOf('hold', flags.hold, ['silence', 'role']),
    serverEntry: flags['server-entry'],
    directory: flags.dir,
    install: flags.install,
  };
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

function drainSize(text: string, webhooks: number): number {
  const size = wholeNumber('drain-sizes', text, webhooks, 10_000_000);
  if (size % webhooks === 0) return size;
  throw new BenchError(`--drain-sizes accepts multiples of --drain-webhooks (${webhooks}), not ${text}.`);
}

function oneOf<T extends string>(flag: string, text: string, accepted: readonly T[]): T {
  const value = accepted.find((candidate) => candidate === text);
  if (value !== undefined) return value;
  throw new BenchError(`--${flag} accepts ${accepted.join(' or ')}, not "${text}".`);
}
