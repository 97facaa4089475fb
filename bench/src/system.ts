import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from './bench-error.ts';
import { type Counters, parseCounters } from './counters.ts';
import { cpuSecondsOf } from './process-usage.ts';
import type { RunningProcess } from './processes.ts';

/** Nothing settled for so long, with deliveries pending, and they are taken as stuck. */
const STUCK_MS = 60_000;
const POLL_MS = 200;
/** A system rests when it uses less than this share of one processor, and it is given so long to come to rest. */
const RESTING_SHARE = 0.03;
const REST_WINDOW_MS = 500;
const REST_MS = 20_000;

/** One of those that are compared, running. */
export interface System {
  name: 'relay' | 'server' | 'other' | 'postgres' | 'several';
  /** `http://127.0.0.1:<port>` */
  origin: string;
  apiKey: string;
  process: RunningProcess;
  /** Servers beside the one at `origin`, with which they share a database. Default: none. */
  others?: readonly { origin: string; process: RunningProcess }[];
  /** What works for it in other processes. Default: nothing. */
  database?: { cpuSeconds(): Promise<number> };
}

/** Where its events are posted: each of its servers takes some. */
export function originsOf({ origin, others = [] }: System): string[] {
  return [origin, ...others.map((other) => other.origin)];
}

/** CPU seconds that all its processes have used so far. */
export async function cpuSecondsOfSystem({ process, others = [], database }: System): Promise<number> {
  const servers = [process, ...others.map((other) => other.process)];
  const used = await Promise.all([...servers.map(({ pid }) => cpuSecondsOf(pid)), database?.cpuSeconds() ?? 0]);
  return used.reduce((sum, seconds) => sum + seconds, 0);
}

/** One exchange with the API. Throws a `BenchError` with the answer unless the status is 2xx. */
export async function callSystem(
  system: System,
  path: string,
  options: { method?: 'GET' | 'POST'; body?: string } = {},
): Promise<string> {
  const { method = 'GET', body } = options;
  const answer = await fetch(system.origin + path, {
    method,
    headers: {
      authorization: `Bearer ${system.apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(120_000),
  }).catch((cause: unknown) => {
    throw new BenchError(`${system.name}: ${method} ${path} got no answer. Its output:\n${system.process.output()}`, {
      cause,
    });
  });
  const text = await answer.text();
  if (answer.ok) return text;
  throw new BenchError(`${system.name}: ${method} ${path} was answered ${answer.status}: ${text.slice(0, 2000)}`);
}

/** Of all its servers together; what is pending is in the database that they share. */
export async function readCounters(system: System): Promise<Counters> {
  const servers = [system, ...(system.others ?? []).map((other) => ({ ...system, ...other }))];
  const [first, ...rest] = await Promise.all(
    servers.map(async (server) => parseCounters(await callSystem(server, '/metrics'))),
  );
  if (first === undefined) throw new Error('A system has a server.');
  return rest.reduce(
    (sum, { commits, accepted, settled }) => ({
      commits: sum.commits === null || commits === null ? null : sum.commits + commits,
      accepted: sum.accepted + accepted,
      settled: sum.settled + settled,
      pending: first.pending,
    }),
    first,
  );
}

/**
 * Waits until everything that was accepted is settled, but for `keptBack` deliveries, seen twice so that an event just being
 * accepted is not missed, or nothing has settled for 60 s. Answers the counters of that moment.
 */
export async function waitUntilDrained(system: System, keptBack = 0): Promise<Counters> {
  let last = await readCounters(system);
  let movedAt = performance.now();
  for (;;) {
    await sleep(POLL_MS);
    const now = await readCounters(system);
    const isDrained = now.pending === keptBack && last.pending === keptBack;
    if (isDrained && now.accepted === last.accepted && now.settled === last.settled) return now;
    if (now.settled !== last.settled || now.accepted !== last.accepted) movedAt = performance.now();
    else if (performance.now() - movedAt > STUCK_MS) return now;
    last = now;
  }
}

/** Waits until the process has settled so many deliveries since its start, or nothing has settled for 60 s. */
export async function waitUntilSettled(system: System, deliveries: number): Promise<void> {
  let settled = -1;
  let movedAt = performance.now();
  while (settled < deliveries && performance.now() - movedAt < STUCK_MS) {
    await sleep(POLL_MS);
    const now = await readCounters(system);
    if (now.settled !== settled) movedAt = performance.now();
    settled = now.settled;
  }
}

/**
 * Waits until the process has nothing left to do (work put off, a checkpoint for example), at most 20 s. What it still does
 * after a round belongs to that round, and must not slow the next one, which is the other system's.
 */
export async function waitUntilAtRest(system: System): Promise<void> {
  const deadline = performance.now() + REST_MS;
  while (performance.now() < deadline) {
    const before = await cpuSecondsOfSystem(system);
    await sleep(REST_WINDOW_MS);
    const used = (await cpuSecondsOfSystem(system)) - before;
    if (used <= (RESTING_SHARE * REST_WINDOW_MS) / 1000) return;
  }
}
