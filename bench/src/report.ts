import type { DrainCase } from './drain.ts';
import type { Latency } from './latency.ts';
import type { Machine } from './machine.ts';
import { machineLines, megabytes, range, rate, table, total, whole } from './report-format.ts';
import type { Round, Throughput } from './rounds.ts';
import type { Settings } from './settings.ts';
import { type Distribution, median } from './statistics.ts';

/** What one system showed. `latency` is absent when it was skipped. */
export interface SystemResult {
  throughput: Throughput;
  latency?: Latency;
}

/** The server of another checkout. */
export interface OtherResult {
  /** Null where Git knows nothing of it. */
  commit: string | null;
  /** Events per second through the server by those through this one. */
  ratio: number;
  result: SystemResult;
}

/**
 * `relay` is a, `server` is b; `server` and `ratio` (b/a) are null when only the relay was measured. `other` is c, null when
 * there is none.
 */
export interface ComparisonResult {
  kind: 'comparison';
  ratio: number | null;
  relay: SystemResult;
  server: SystemResult | null;
  other: OtherResult | null;
  settings: Settings;
  machine: Machine;
}

export interface DrainResult {
  kind: 'drain';
  /** First rate of the largest case by that of the smallest; null for one case. */
  ratio: number | null;
  cases: DrainCase[];
  settings: Settings;
  machine: Machine;
}

/** The text of a comparison; its first line has the ratio. */
export function reportComparison({ ratio, relay, server, other, settings, machine }: ComparisonResult): string {
  const shape = `medians of ${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections`;
  const a = `relay (a) ${rate(relay.throughput.arrivedPerSecond)}`;
  const headline =
    server === null || ratio === null
      ? `no ratio: only the relay was measured; ${a}; ${shape}`
      : `b/a ${ratio.toFixed(2)}: server (b) ${rate(server.throughput.arrivedPerSecond)}, ${a}; ${shape}`;
  const headlines = other === null ? [headline] : [headline, otherLine(other)];
  const columns: [title: string, result: SystemResult][] = [['relay (a)', relay]];
  if (server !== null) columns.push(['server (b)', server]);
  if (other !== null) columns.push(['other (c)', other.result]);
  const systems = columns.map(([, result]) => result);
  const row = (label: string, cell: (result: SystemResult) => string) => [label, ...systems.map(cell)];
  const of = (result: SystemResult, field: (round: Round) => number) => median(result.throughput.rounds.map(field));
  const sum = (result: SystemResult, field: (round: Round) => number) => whole(total(result.throughput.rounds, field));
  const rows = [
    ['', ...columns.map(([title]) => title)],
    row('arrived per second, median', (r) => whole(r.throughput.arrivedPerSecond)),
    row('arrived per second, lowest to highest round', (r) =>
      range(r.throughput.rounds.map((n) => n.arrivedPerSecond)),
    ),
    row('answer to the producer p50, ms', (r) => of(r, (n) => n.latencyP50Ms).toFixed(1)),
    row('answer to the producer p99, ms', (r) => of(r, (n) => n.latencyP99Ms).toFixed(1)),
    row('CPU seconds per million events', (r) => of(r, (n) => n.cpuSecondsPerMillion).toFixed(0)),
    row('peak memory, MB', (r) => megabytes(r.throughput.peakMemoryBytes)),
    row('commits per event', (r) => commits(r.throughput.rounds)),
    row('largest backlog under load', (r) => whole(Math.max(...r.throughput.rounds.map((n) => n.largestBacklog)))),
    row('refused or broken', (r) => sum(r, (n) => n.refused + n.socketErrors)),
    row('accepted and not arrived', (r) => sum(r, (n) => n.missing)),
    row('arrived twice', (r) => sum(r, (n) => n.arrivedTwice)),
  ];
  const latencyRow = (label: string, pick: (latency: Latency) => string) =>
    row(label, ({ latency }) => (latency === undefined ? '' : pick(latency)));
  if (relay.latency !== undefined) {
    rows.push(
      [`at ${settings.latencyRate} events/s:`, ...systems.map(() => '')],
      latencyRow('arrival after the answer p50 / p99, ms', (l) => pair(l.afterAcknowledgement)),
      latencyRow('arrival after the planned send p50 / p99, ms', (l) => pair(l.endToEnd)),
      latencyRow('answer after the planned send p50 / p99, ms', (l) => pair(l.acknowledgement)),
      latencyRow('producer late by p99, ms', (l) => l.producerDelay.p99.toFixed(2)),
      latencyRow('refused / not arrived', (l) => `${l.failed} / ${l.missing}`),
    );
  }
  return [...headlines, '', ...table(rows), '', ...machineLines(machine)].join('\n');
}

function otherLine({ ratio, commit, result }: OtherResult): string {
  const name = commit === null ? 'another checkout' : `commit ${commit}`;
  return `b/c ${ratio.toFixed(2)}: server (b) by that of ${name} (c) ${rate(result.throughput.arrivedPerSecond)}`;
}

/** The text of a drain; its first line has the ratio of the largest case to the smallest. */
export function reportDrain({ ratio, cases, machine }: DrainResult): string {
  const sizes = cases.map((one) => one.pending);
  const headline =
    ratio === null
      ? `drained ${rate(cases[0]?.drainedPerSecond ?? 0)}`
      : `b/a ${ratio.toFixed(2)}: first ${whole(Math.min(...sizes))} of ${whole(Math.max(...sizes))} pending (b) beside ${whole(Math.min(...sizes))} pending (a)`;
  const row = (label: string, cell: (one: DrainCase) => string) => [label, ...cases.map(cell)];
  const rows = [
    row('pending deliveries', (c) => whole(c.pending)),
    row('webhooks', (c) => whole(c.webhooks)),
    row('filled per second', (c) => whole(c.pending / c.fillSeconds)),
    row('peak memory while filling, MB', (c) => megabytes(c.peakWhileFillingBytes)),
    row('memory while pending, MB', (c) => megabytes(c.rssWhilePendingBytes)),
    row('peak memory while draining, MB', (c) => megabytes(c.peakMemoryBytes)),
    row('first arrival after the release, ms', (c) => whole(c.firstArrivalMs)),
    row('drained per second, first ones', (c) => whole(c.firstDrainedPerSecond)),
    row('drained per second, all', (c) => whole(c.drainedPerSecond)),
    row('not arrived', (c) => whole(c.missing)),
    row('arrived twice', (c) => whole(c.arrivedTwice)),
  ];
  return [headline, '', ...table(rows), '', ...machineLines(machine)].join('\n');
}

/** An arrival before the answer is no latency, so 0 is printed for it; the file has the figure as it was measured. */
function pair({ p50, p99 }: Distribution): string {
  return `${Math.max(0, p50).toFixed(2)} / ${Math.max(0, p99).toFixed(2)}`;
}

function commits(rounds: readonly Round[]): string {
  const values = rounds.flatMap((round) => (round.commitsPerEvent === null ? [] : [round.commitsPerEvent]));
  return values.length === 0 ? 'none' : median(values).toFixed(4);
}
