import type { Latency } from './latency.ts';
import type { PostgresResult, StoreResult } from './postgres.ts';
import { machineLines, megabytes, milliseconds, range, rate, table, total, whole } from './report-format.ts';
import type { Round } from './rounds.ts';
import { median } from './statistics.ts';

/** The text of a comparison of stores; its first line has the ratio, the second that of several servers to one. */
export function reportPostgres(result: PostgresResult): string {
  const { ratio, severalRatio, sqlite, postgres, several, settings, machine } = result;
  const columns: [title: string, result: StoreResult][] = [
    ['SQLite (a)', sqlite],
    ['PostgreSQL (b)', postgres],
  ];
  if (several !== null) columns.push([`${settings.servers} servers (c)`, several]);
  const row = (label: string, cell: (result: StoreResult) => string) => [label, ...columns.map(([, one]) => cell(one))];
  const of = ({ throughput }: StoreResult, field: (round: Round) => number) => median(throughput.rounds.map(field));
  const sum = ({ throughput }: StoreResult, field: (round: Round) => number) => whole(total(throughput.rounds, field));
  const rows = [
    ['', ...columns.map(([title]) => title)],
    row('arrived per second, median', ({ throughput }) => whole(throughput.arrivedPerSecond)),
    row('arrived per second, lowest to highest round', ({ throughput }) =>
      range(throughput.rounds.map((round) => round.arrivedPerSecond)),
    ),
    row('answer to the producer p50, ms', (one) => of(one, (round) => round.latencyP50Ms).toFixed(1)),
    row('answer to the producer p99, ms', (one) => of(one, (round) => round.latencyP99Ms).toFixed(1)),
    row('CPU seconds per million events', (one) => whole(of(one, (round) => round.cpuSecondsPerMillion))),
    row('of them, in PostgreSQL', (one) => whole(of(one, (round) => round.databaseCpuSecondsPerMillion))),
    row('peak memory of a server, MB', ({ throughput }) => megabytes(throughput.peakMemoryBytes)),
    row('commits per event', (one) => of(one, (round) => round.commitsPerEvent ?? 0).toFixed(4)),
    row('largest backlog under load', ({ throughput }) =>
      whole(Math.max(...throughput.rounds.map((round) => round.largestBacklog))),
    ),
    row('refused or broken', (one) => sum(one, (round) => round.refused + round.socketErrors)),
    row('accepted and not arrived', (one) => sum(one, (round) => round.missing)),
    row('arrived twice', (one) => sum(one, (round) => round.arrivedTwice)),
  ];
  if (!settings.skipLatency) {
    const latencyRow = (label: string, pick: (latency: Latency) => string) =>
      row(label, ({ latency }) => (latency === null ? '' : pick(latency)));
    rows.push(
      [`at ${settings.latencyRate} events/s to one server:`, ...columns.map(() => '')],
      latencyRow('answer after the planned send p50 / p99, ms', ({ acknowledgement: { p50, p99 } }) => pair(p50, p99)),
      latencyRow('arrival after the planned send p50 / p99, ms', ({ endToEnd: { p50, p99 } }) => pair(p50, p99)),
      latencyRow('producer late by p99, ms', ({ producerDelay }) => milliseconds(producerDelay.p99)),
      latencyRow('refused / not arrived', ({ failed, missing }) => `${failed} / ${missing}`),
    );
  }
  const shape = `medians of ${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections`;
  const rateOf = ({ throughput }: StoreResult) => rate(throughput.arrivedPerSecond);
  const headlines = [
    `b/a ${ratio.toFixed(2)}: a server on PostgreSQL (b) ${rateOf(postgres)}, on SQLite (a) ${rateOf(sqlite)}; ${shape}`,
  ];
  if (several !== null && severalRatio !== null) {
    headlines.push(`c/b ${severalRatio.toFixed(2)}: ${settings.servers} servers on PostgreSQL (c) ${rateOf(several)}`);
  }
  return [...headlines, '', ...table(rows), '', ...machineLines(machine)].join('\n');
}

function pair(p50: number, p99: number): string {
  return `${milliseconds(Math.max(0, p50))} / ${milliseconds(Math.max(0, p99))}`;
}
