import type { HungRound } from './hung-webhook.ts';
import { endToEnd, type NeighbourCase, type NeighbourRatio, type NeighbourResult } from './neighbour.ts';
import { machineLines, megabytes, milliseconds, range, table, total, whole } from './report-format.ts';
import { median } from './statistics.ts';

/** A neighbour that hangs may make the p99 this much worse, the one or the other, and the throughput that much. */
const GOAL = { p99: 1.5, p99DifferenceMs: 5, throughput: 0.95 };

const TITLES = { none: 'none (a)', closed: 'circuit closed (b)', open: 'circuit open (c)' };

/** The text of a measurement beside a hung webhook; a line of ratios for each state of its circuit comes first. */
export function reportNeighbour({ ratios, cases, settings, machine }: NeighbourResult): string {
  const row = (label: string, cell: (one: NeighbourCase) => string) => [label, ...cases.map(cell)];
  const hungRow = (label: string, field: (round: HungRound) => number) =>
    row(label, ({ latency, throughput }) => {
      const rounds = [...latency.hung, ...throughput.hung];
      return rounds.length === 0 ? 'none' : range(rounds.map(field));
    });
  const rows = [
    row('hung webhook', ({ neighbour }) => TITLES[neighbour]),
    [`the healthy ones at ${settings.latencyRate} events/s:`, ...cases.map(() => '')],
    row('arrival after the planned send p50, ms', (one) => milliseconds(endToEnd(one, 'p50'))),
    row('arrival after the planned send p99, ms', (one) => milliseconds(endToEnd(one, 'p99'))),
    row('p99, lowest to highest round, ms', ({ latency }) =>
      range(
        latency.rounds.map((round) => round.endToEnd.p99),
        milliseconds,
      ),
    ),
    row('producer late by p99, ms', ({ latency }) =>
      milliseconds(median(latency.rounds.map((round) => round.producerDelay.p99))),
    ),
    row('refused / not arrived', ({ latency }) =>
      [total(latency.rounds, (round) => round.failed), total(latency.rounds, (round) => round.missing)].join(' / '),
    ),
    ['the healthy ones under full load:', ...cases.map(() => '')],
    row('arrived per second, median', ({ throughput }) => whole(throughput.arrivedPerSecond)),
    row('arrived per second, lowest to highest round', ({ throughput }) =>
      range(throughput.rounds.map((round) => round.arrivedPerSecond)),
    ),
    row('CPU seconds per million events', ({ throughput }) =>
      whole(median(throughput.rounds.map((round) => round.cpuSecondsPerMillion))),
    ),
    row('peak memory, MB', ({ throughput }) => megabytes(throughput.peakMemoryBytes)),
    row('refused or broken', ({ throughput }) =>
      whole(total(throughput.rounds, (round) => round.refused + round.socketErrors)),
    ),
    row('accepted and not arrived', ({ throughput }) => whole(total(throughput.rounds, (round) => round.missing))),
    row('arrived twice', ({ throughput }) => whole(total(throughput.rounds, (round) => round.arrivedTwice))),
    ['the hung one, in all rounds:', ...cases.map(() => '')],
    hungRow('deliveries that waited', (round) => round.pending),
    hungRow('attempts in the air at the start', (round) => round.inTheAirAtStart),
    hungRow('attempts in the air at the end', (round) => round.inTheAirAtEnd),
    hungRow('attempts that began meanwhile', (round) => round.started),
    hungRow('attempts that timed out meanwhile', (round) => round.timedOut),
  ];
  const shape = `${settings.healthyWebhooks} healthy webhooks, medians of ${settings.rounds} rounds: ${settings.latencySeconds} s at ${settings.latencyRate} events/s, ${settings.seconds} s of full load with ${settings.connections} connections`;
  return [...ratios.map(headline), shape, '', ...table(rows), '', ...machineLines(machine)].join('\n');
}

function headline({ circuit, p99, p99DifferenceMs, throughput }: NeighbourRatio): string {
  const side = circuit === 'closed' ? 'b/a' : 'c/a';
  const sign = p99DifferenceMs < 0 ? '−' : '+';
  const difference = `${sign} ${milliseconds(Math.abs(p99DifferenceMs))} ms`;
  const latencyGoal = verdict(p99 <= GOAL.p99 || p99DifferenceMs <= GOAL.p99DifferenceMs);
  const throughputGoal = verdict(throughput >= GOAL.throughput);
  return `${side} beside a hung webhook, circuit ${circuit}: p99 ${p99.toFixed(2)} × (${difference}; goal ≤ ${GOAL.p99} × or + ${GOAL.p99DifferenceMs} ms: ${latencyGoal}), throughput ${throughput.toFixed(2)} × (goal ≥ ${GOAL.throughput} ×: ${throughputGoal})`;
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'NOT MET';
}
